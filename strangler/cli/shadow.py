"""`strangler shadow`: the results of comparing sampled requests of clients on both stacks."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.text import Text

from strangler.cli.output import json_print, note, out, say, table_print
from strangler.compare.shadow.inbox import inbox_answers
from strangler.compare.shadow.results import DifferenceResult, RouteResult, ShadowResults
from strangler.compare.shadow.store import COUNTS, ShadowStore
from strangler.deployment.open import shadow_open
from strangler.deployment.remote_shadow import RemoteShadow
from strangler.errors import FailedError
from strangler.local.services import shadow_database, shadow_socket
from strangler.project import project_load
from strangler.rollout.edits import routes_select
from strangler.routes.route import Route
from strangler.settings import LocalSettings, settings_load


def shadow(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="Only these, such as posts.list or 'posts.*'.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON array.")] = False,
    differences: Annotated[
        bool, typer.Option("--differences", "-d", help="Show where answers differ, with the last example.")
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the results of these routes, and count anew.")] = False,
) -> None:
    """Show the results of sampled requests; exits with 1 if any route differs."""
    settings = settings_load()
    remote = shadow_open(settings)
    with _results(settings, remote) as results:
        if reset:
            _reset(_chosen(names, results.routes()), remote)
        else:
            _report(results, names, as_json=as_json, differences=differences, worker=remote is not None)


def shadow_differences(settings: LocalSettings, route: str) -> list[DifferenceResult]:
    """The places where the worker has found different answers of a route, the most frequent first.

    :raises StranglerError: they can't be read.
    """
    with _results(settings, shadow_open(settings)) as results:
        return results.differences([route])


@contextmanager
def _results(settings: LocalSettings, remote: RemoteShadow | None) -> Iterator[ShadowResults]:
    with TemporaryDirectory() as folder:
        yield ShadowResults(remote.fetch(Path(folder)) if remote else shadow_database(settings.project.state))


def _report(results: ShadowResults, names: list[str] | None, *, as_json: bool, differences: bool, worker: bool) -> None:
    """Show the results; `worker`: that there is one needn't be asked."""
    found = results.routes()
    chosen = _chosen(names, found)
    rows = [(route, found.get(route.name, RouteResult(name=route.name))) for route in chosen]
    places = results.differences(route.name for route in chosen) if differences or as_json else []
    if as_json:
        json_print([_as_json(route, row, places) for route, row in rows])
    else:
        _show(rows)
        _show_differences(places)
        _notes(rows, results, worker=worker or inbox_answers(shadow_socket(project_load().state)))
    if any(row.different for _route, row in rows):
        raise SystemExit(1)


def _chosen(names: list[str] | None, found: dict[str, RouteResult]) -> Sequence[Route]:
    """The routes named; else those that are sampled, or were."""
    routes = settings_load().project.load_routes().routes
    if names:
        return routes_select(routes, names)
    return tuple(route for route in routes if route.shadow or route.name in found)


def _reset(chosen: Sequence[Route], remote: RemoteShadow | None) -> None:
    database = shadow_database(project_load().state)
    names = [route.name for route in chosen]
    try:
        if remote:
            remote.reset(names)
        elif database.exists():
            ShadowStore(database).reset(names)
    except (OSError, sqlite3.Error) as error:
        raise FailedError(f"{database} can't be written ({error})", "remove it, the worker makes it anew") from error
    say(f"forgot the results of {', '.join(names) or 'no route'}")


def _as_json(route: Route, row: RouteResult, places: Iterable[DifferenceResult]) -> dict[str, Any]:
    return {
        "route": route.name,
        "share": route.shadow,
        **{name: value for name, value in asdict(row).items() if name != "name"},
        "differences": [
            {name: value for name, value in asdict(place).items() if name != "route"}
            for place in places
            if place.route == route.name
        ],
    }


def _show(rows: Iterable[tuple[Route, RouteResult]]) -> None:
    lines = [(route, row, [str(getattr(row, count)) for count in COUNTS]) for route, row in rows]
    if not out.is_terminal:
        for route, row, counts in lines:
            named = (f"{name} {count}" for name, count in zip(COUNTS, counts, strict=True))
            say(f"{route.name} {route.shadow:g}% {' '.join(named)} last {row.last or '-'}")
        return
    table: list[list[str | Text]] = []
    for route, row, counts in lines:
        asked, equal, different, *others = counts
        rest = (f"{name} {count}" for name, count in zip(COUNTS[3:], others, strict=True) if count != "0")
        coloured = Text(different, style="red" if row.different else "green")
        last = row.last.replace("T", " ").removesuffix("Z")
        table.append([route.name, f"{route.shadow:g}%", asked, equal, coloured, ", ".join(rest), last])
    headers = ("route", "share", *COUNTS[:3], "others", "last")
    table_print(headers, table, whole={*headers} - {"others"})


def _show_differences(places: Iterable[DifferenceResult]) -> None:
    for place in places:
        say(f"\n{place.route}: {place.kind} at {place.pattern}, {_times(place.count)}, last {place.last}")
        say(f"  {place.method} {place.path}  (request {place.request_id})")
        for stack, value in (("django ", place.django), ("fastapi", place.fastapi)):
            say(f"  {stack}  {place.place} = {value}" if value is not None else f"  {stack}  nothing at {place.place}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _notes(rows: Sequence[tuple[Route, RouteResult]], results: ShadowResults, *, worker: bool) -> None:
    """What the table doesn't say."""
    for route, row in rows:
        if row.failure:
            note(f"{route.name} could not be compared, the last time because {row.failure}")
    refused = results.refused()
    if missed := refused["missed"]:
        note(f"{missed} samples of all routes never reached the worker: it was too late to take them")
    if malformed := refused["malformed"]:
        note(f"{malformed} datagrams were no samples")
    if not rows:
        note("no route is sampled: give some a share, such as strangler switch 'posts.*' --reads --shadow 5")
    elif not worker:
        note("no worker takes samples: start the stack with strangler up")
