"""`strangler cutover …`: what still ties the system to Django, and what of it is kept."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.backup import require_native
from strangler.cli.clients import own_logs
from strangler.cli.output import json_print, log_opened, note, out, say
from strangler.cli.schema.inputs import DjangoTimeout, ManageOption, reach
from strangler.cutover.archive import archive_differences, cutover_archive
from strangler.cutover.tables import django_tables
from strangler.cutover.ties import Tie, owner_tie, route_ties, table_tie, traffic_ties, usage_ties, v1_sentence
from strangler.cutover.traffic import RecentTraffic
from strangler.cutover.usage import DjangoUsage
from strangler.errors import StranglerError, many
from strangler.handover.baseline import is_handed_over
from strangler.metrics.access_log import AccessLog, log_lines
from strangler.metrics.clients import since_parse
from strangler.schema.django_side import TIMEOUT_SECONDS
from strangler.settings import LocalSettings, settings_load

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
    traffic = RecentTraffic(since=since_parse(since, now=dt.datetime.now(dt.UTC)))
    ties = [
        *route_ties(table),
        *_attempted("traffic of Django", lambda: _traffic(traffic, log, routes={each.name for each in table.routes})),
        *_attempted("tables", lambda: _database(settings)),
        *_attempted("Django", lambda: _usage(settings, manage=manage, timeout=timeout, notify=not as_json)),
    ]
    left = [tie for tie in ties if tie.is_left]
    if as_json:
        json_print({"left": len(left), "ties": [tie.as_json() for tie in ties], "v1": dict(traffic.v1)})
    else:
        _show(ties)
        say(v1_sentence(traffic))
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
    manifest = cutover_archive(_owner_dsn(settings), folder.absolute(), more=tables or ())
    say(f"kept {many(len(manifest.tables), 'table')} with {many(manifest.rows, 'row')} in {folder}")


def _owner_dsn(settings: LocalSettings) -> str:
    dsn = reach(settings, django=False).owner_dsn
    assert dsn is not None  # noqa: S101 - it isn't left out
    return dsn


def _attempted(kind: str, read: Callable[[], Iterable[Tie]]) -> Iterator[Tie]:
    """What `read` gives; what can't be read may still be there."""
    try:
        yield from read()
    except StranglerError as error:
        yield Tie(kind=kind, count=None, what=error.message, hint=error.hint)


def _traffic(traffic: RecentTraffic, logs: list[str] | None, *, routes: set[str]) -> Iterator[Tie]:
    for name in logs or own_logs():
        with log_opened(name, option="--log") as file:
            part = AccessLog()
            traffic.add(part.requests(log_lines(file)), routes=routes)
        part.require_readable(name)
    yield from traffic_ties(traffic)


def _database(settings: LocalSettings) -> Iterator[Tie]:
    project = settings.project
    dsn = _owner_dsn(settings)
    yield owner_tie(handed_over=is_handed_over(dsn))
    consumer = project.load_consumer() if project.consumer.exists() else None
    yield table_tie(django_tables(dsn, project.load_contract(), consumer))


def _usage(settings: LocalSettings, *, manage: str | None, timeout: float, notify: bool) -> Iterator[Tie]:
    project = reach(settings, manage=manage, timeout=timeout).project
    assert project is not None  # noqa: S101 - it isn't left out
    usage = DjangoUsage.read(project)
    if usage.libraries and notify:
        note(f"taken for libraries, and not looked into: {', '.join(usage.libraries)}")
    yield from usage_ties(usage)


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
    app = typer.Typer(help="Leave Django: see what still needs it, and keep what is of record.", no_args_is_help=True)
    app.callback()(lambda: None)
    for name in [name for name in names if name in _COMMANDS] or _COMMANDS:
        app.command(name)(_COMMANDS[name])
    return app
