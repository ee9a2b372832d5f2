"""`strangler routes`: every route, its stage, which stack answers, since when."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from strangler.cli.groups import command_group
from strangler.cli.moves import rollout_read
from strangler.cli.output import json_print, note, out, say, table_print
from strangler.errors import UsageError
from strangler.rollout.edits import path_routes, routes_select
from strangler.rollout.history import HistoryEntry, applied
from strangler.rollout.plan import answer_text, place_text
from strangler.rollout.rollout import Rollout
from strangler.routes.route import Api, Route
from strangler.routes.table import RouteTable

_WIDE = 130
_COLOURS = {"legacy": "yellow", "parallel": "cyan", "canary": "magenta", "migrated": "green", "retired": "dim"}


def routes(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="Such as 'posts.*', or a path; all by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Show the routes as they were applied last: stage, which stack answers v1 and v2, since when, by whom.

    Shows all routes by default, with the path of a request those that it can mean; changes nothing.

    The endpoints that Django has are brought into the file by strangler routes sync.

    Example: strangler routes /api/posts/12/
    """
    rollout, interrupted = rollout_read()
    content, table = rollout.running()
    paths = [name for name in names or () if name.startswith("/")]
    meant = [route for path in paths for route in path_routes(table, path)[1]]
    patterns = [name for name in names or () if name not in paths]
    named = routes_select(table.routes, patterns) if patterns else ()
    chosen = (*dict.fromkeys((*meant, *named)),) if names else table.routes
    moved = _last_moves(rollout.entries(), [route.name for route in chosen])
    if as_json:
        due = {"recovery_due": interrupted is not None}
        rows = [_as_json(route, moved[route.name]) | due for route in chosen]
        json_print(rows)
    else:
        for path in paths:
            _show_path(table, path)
        if chosen:
            _show(chosen, moved)
    if rollout.gateway.running_version() is None:
        note("no gateway answers: these are the routes that were applied last")
    _note_differences(rollout, content)


def _show_path(table: RouteTable, path: str) -> None:
    """Which stack answers each method of a request's path."""
    api, routes, fixed = path_routes(table, path)
    if fixed:
        say(f"{path}: {fixed.name} is always {fixed.stack}'s")
    for route in routes:
        methods = " ".join(route.served_methods)
        say(f"{methods} {path}: {answer_text(route, api)} ({route.name}, {place_text(route)})")


def _note_differences(rollout: Rollout, running: bytes) -> None:
    """Note that the file differs from what runs; an invalid file is a note here, no failure."""
    try:
        found = rollout.file_content()
        if found != running and not rollout.propose(found).plan.empty:
            note(f"{rollout.routes_file.name} has changes that aren't applied: review them with strangler plan")
    except UsageError as error:
        note(f"these are the routes that were applied last; the routes file can't be applied: {error}")


def _last_moves(entries: Sequence[HistoryEntry], names: Iterable[str]) -> dict[str, HistoryEntry]:
    """The entry that moved each route last; a route that never moved has the first entry."""
    changed = applied(entries)
    first = dict.fromkeys(names, changed[0])
    return first | {
        change["route"]: entry for entry in changed for change in entry.changes if change["before"] != change["after"]
    }


def _as_json(route: Route, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "name": route.name,
        "methods": route.methods,
        "path": route.path,
        "stage": route.stage,
        "percent": route.percent,
        "shadow": route.shadow,
        "fallback": route.fallback,
        "deprecated": route.deprecated.isoformat() if route.deprecated else None,
        "sunset": route.sunset.isoformat() if route.sunset else None,
        **{str(api): route.stage.answers(api) for api in Api},
        "since": entry.time or None,
        "by": entry.who or None,
    }


def _show(chosen: Iterable[Route], moved: dict[str, HistoryEntry]) -> None:
    rows = [(route, _row(route, moved[route.name])) for route in chosen]
    if not out.is_terminal:
        for _route, row in rows:
            say("  ".join(cell or "-" for cell in row))
        return
    headers: tuple[str, ...] = ("route", "methods", "path", "stage", "shadow", "v1", "v2", "since", "by", "more")
    shown = _narrow if out.width < _WIDE else list[str | Text]
    if out.width < _WIDE:
        headers = ("route", "request", "stage", "v1", "v2")
    table = [shown([*row[:3], Text(row[3], style=_COLOURS[route.stage]), *row[4:]]) for route, row in rows]
    table_print(headers, table, whole={*headers} - {"request", "more"})


def _narrow(row: Sequence[str | Text]) -> list[str | Text]:
    """A row for 80 columns: since when and by whom is in strangler history, too."""
    name, methods, path, stage, shadow, v1, v2, _since, _by, more = row
    notes = ", ".join(str(each) for each in (f"shadow {shadow}" if shadow else "", more) if each)
    request = f"{methods} {path}" + (f"\n  {notes}" if notes else "")
    return [name, request, stage, "split" if "%" in str(v1) else v1, v2]


def _row(route: Route, entry: HistoryEntry) -> tuple[str, ...]:
    more = [
        *(["fallback"] if route.fallback else []),
        *([f"throttle {route.throttle}"] if route.throttle else []),
        *([f"sunset {route.sunset}"] if route.sunset else []),
    ]
    return (
        route.name,
        " ".join(route.methods),
        route.path,
        place_text(route),
        f"{route.shadow:g}%" if route.shadow else "",
        answer_text(route, Api.V1),
        answer_text(route, Api.V2),
        entry.time,
        entry.who,
        ", ".join(more),
    )


def group(names: Iterable[str]) -> typer.Typer:
    """The commands below `routes`."""
    from strangler.cli.routes_sync import sync

    return command_group({"sync": sync}, names, about="Bring routes and endpoints together.")
