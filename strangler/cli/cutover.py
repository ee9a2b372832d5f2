"""`strangler cutover …`: what still ties the system to Django, and what of it is kept."""

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.backup import require_native
from strangler.cli.cutover_reading import owner_dsn, ties_read, traffic_read
from strangler.cli.groups import command_group
from strangler.cli.output import json_print, note, out, say
from strangler.cli.schema.inputs import DjangoTimeout, ManageOption
from strangler.cutover.archive import archive_differences, cutover_archive
from strangler.cutover.ties import Tie, v1_sentence
from strangler.cutover.traffic import RecentTraffic
from strangler.errors import many
from strangler.schema.django_side import TIMEOUT_SECONDS
from strangler.settings import settings_load

_LEFT: Final = 1
_WIDTH: Final = 17

Log = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="FILE", help="Read this access log, plain or .gz; - is stdin."),
]


def check(
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="Look at the traffic from then on.")] = "7d",
    log: Log = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    manage: ManageOption = None,
    timeout: DjangoTimeout = TIMEOUT_SECONDS,
) -> None:
    """Show what still ties the system to Django, how many of each, and what to do about it.

    Reads the routes file, the access log of the last 7 days, the database, and the project by its own commands; changes
    nothing. Exits with 1 while something is left, or can't be read.

    Example: strangler cutover check --since 30d
    """
    settings = settings_load()
    table = settings.project.load_routes()
    read: list[RecentTraffic] = []

    def traffic() -> RecentTraffic:
        read.append(traffic_read(since, log, table))
        return read[0]

    notify = note if not as_json else lambda _sentence: None
    ties = ties_read(settings, table, traffic, manage=manage, timeout=timeout, notify=notify)
    left = [tie for tie in ties if tie.is_left]
    if as_json:
        v1 = dict(read[0].v1) if read else None
        json_print({"left": len(left), "ties": [tie.as_json() for tie in ties], "v1": v1})
    else:
        _show(ties)
        for each in read:
            say(v1_sentence(each))
        say(f"{len(left)} of {len(ties)} are left" if left else "nothing needs Django any more")
    raise SystemExit(_LEFT if left else 0)


def archive(
    tables: Annotated[
        list[str] | None, typer.Option("--table", metavar="TABLE", help="Keep this table too; may be given again.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="A new folder; by default .run/archive/TIME.")
    ] = None,
    verify: Annotated[
        Path | None, typer.Option("--verify", metavar="FOLDER", help="Read an archive's files instead, and compare.")
    ] = None,
) -> None:
    """Keep what is of record: the admin's log, content types, permissions, groups, migrations, and named tables.

    Each is a file of COPY's text, which is read back and counted; the manifest has rows and checksums. Drops nothing.
    With --verify needs no database, and exits with 1 where a file isn't what was written.

    Example: strangler cutover archive --table orders_history
    """
    if verify is not None:
        manifest, differences = archive_differences(verify.absolute())
        for sentence in differences:
            say(sentence)
        if differences:
            raise SystemExit(1)
        held = f"{many(len(manifest.tables), 'table')}, {many(manifest.rows, 'row')}"
        say(f"as it was written: {held}, of {manifest.time}")
        return
    settings = settings_load()
    require_native(settings)
    folder = to or settings.state_dir / "archive" / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    manifest = cutover_archive(owner_dsn(settings), folder.absolute(), more=tables or ())
    say(f"kept {many(len(manifest.tables), 'table')} with {many(manifest.rows, 'row')} in {folder}")


def _show(ties: list[Tie]) -> None:
    for tie in ties:
        state = Text("left  " if tie.is_left else "ok    ", style="yellow" if tie.is_left else "green")
        what = f"{tie.what}{f': {tie.named}' if tie.items else ''}"
        out.print(state + Text(f"{tie.kind:<{_WIDTH}}  {what}"))
        if tie.is_left and tie.hint:
            out.print(Text(f"{'':<{_WIDTH + 8}}{tie.hint}", style="dim"))


_COMMANDS: Final[dict[str, Callable[..., None]]] = {"check": check, "archive": archive}


def group(names: Iterable[str] = ()) -> typer.Typer:
    """The group with those commands that `names` name; with all where it names none."""
    return command_group(_COMMANDS, names, about="Leave Django: see what still needs it, and keep what is of record.")
