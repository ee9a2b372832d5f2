"""`strangler clients`: who still calls v1 of a route."""

import datetime as dt
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from strangler.cli.output import log_opened, note, out, say
from strangler.errors import UsageError, many
from strangler.local.logs import logs_archived
from strangler.metrics.access_log import AccessLog, log_lines
from strangler.metrics.clients import ClientCount, RouteClients, V1Client, moment_text, since_parse
from strangler.metrics.follower import LogPosition
from strangler.rollout.edits import routes_select
from strangler.settings import LocalSettings, settings_load

_HEADERS: Final = ("requests", "share", "client", "user agent", "first", "last", "statuses")


def clients(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Such as posts.list or 'posts.*'.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Count the requests of every route instead.")] = False,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="Count from 7d, 24h or a day.")] = None,
    log: Annotated[
        list[str] | None,
        typer.Option("--log", metavar="FILE", help="Read this access log, plain or .gz; - is stdin."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Show this many clients of each route.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show which clients still call v1 of a route: caller, user agent, requests, first and last time.

    Reads the whole access log of strangler up by default, or what the cluster's nodes still have of it; exits with 4
    where a log can't be read.

    Example: strangler clients posts.list --since 7d
    """
    if bool(names) == every:
        raise UsageError("no route is named", "name routes, or pass --all for the counts of each route")
    moment = since_parse(since, now=dt.datetime.now(dt.UTC)) if since else None
    settings = settings_load()
    table = settings.project.load_routes()
    chosen = routes_select(table.routes, names or ["*"])
    count = ClientCount([route.name for route in chosen], since=moment)
    if settings.gateway == "kubernetes" and not log:
        read = _read_pods(settings, count)
    else:
        read = _read(log or own_logs(), count)
    routes = sorted(count.routes.values(), key=lambda route: -route.requests) if every else count.routes.values()
    if as_json:
        out.out(json.dumps(_document(routes, read, moment, with_clients=not every), indent=2))
        return
    _notes(read, moment)
    if every:
        _show_counts(routes)
    for route in () if every else routes:
        _show(route, read, top=top)


def own_logs() -> list[str]:
    """What `strangler up` has written in the last weeks, the oldest first.

    :raises UsageError: it has written none.
    """
    folder = settings_load().project.state / "logs"
    logs = [str(file) for file in (*logs_archived(folder, "nginx"), folder / "nginx.log") if file.exists()]
    if not logs:
        raise UsageError(f"there is no access log in {folder}", "start the stack with strangler up, or pass --log")
    return logs


def _read(logs: Iterable[str], count: ClientCount) -> AccessLog:
    read = AccessLog()
    for name in logs:
        with log_opened(name, option="--log") as file:
            part = AccessLog()
            count.add(part.requests(log_lines(file), count.routes.keys()))
        part.require_readable(name)
        read.add(part)
    return read


def _read_pods(settings: LocalSettings, count: ClientCount) -> AccessLog:
    """Count what nginx's pods have logged."""
    # Imported here, since the client of the cluster is an extra.
    from strangler.deployment.cluster_pods import cluster_pods

    read = AccessLog()
    count.add(read.requests(cluster_pods(settings).log(LogPosition(), most=sys.maxsize).lines(), count.routes.keys()))
    read.require_readable("nginx's pods")
    return read


def _notes(read: AccessLog, since: dt.datetime | None) -> None:
    """Notes on how much of the log could be read."""
    if read.unreadable:
        note(f"left out {many(read.unreadable, 'line')} that are not of nginx's access log")
    if read.begins is None:
        note("the log holds no request")
    elif since is None or since < read.begins:
        note(f"the log begins at {moment_text(read.begins)}: earlier requests are unknown")


def _show_counts(routes: Iterable[RouteClients]) -> None:
    headers = ("route", "requests", "clients", "last")
    rows = [
        (route.route, f"{route.requests}", f"{_at_least(route)}{len(route.by_key)}", moment_text(route.last))
        for route in routes
    ]
    _print_rows(headers, rows, right=2)


def _show(route: RouteClients, read: AccessLog, *, top: int) -> None:
    if not route.requests:
        say(f"{route.route}: no client called v1{' in the lines that could be read' if read.unreadable else ''}")
        return
    everyone = route.clients
    callers = f"{_at_least(route)}{many(len(everyone), 'client')}"
    say(f"{route.route}: {many(route.requests, 'request')} of v1 by {callers}")
    _print_rows(_HEADERS, [_row(route, client) for client in everyone[:top]], right=2)
    rest = route.others + sum(client.requests for client in everyone[top:])
    if rest:
        say(f"{rest}  {route.share(rest):.1f}%  others")


def _row(route: RouteClients, client: V1Client) -> tuple[str, ...]:
    return (
        f"{client.requests}",
        f"{route.share(client.requests):.1f}%",
        _printable(client.caller),
        _printable(client.user_agent),
        moment_text(client.first),
        moment_text(client.last),
        " ".join(f"{status}:{count}" for status, count in sorted(client.statuses.items())),
    )


def _print_rows(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, right: int) -> None:
    if not out.is_terminal:
        for row in rows:
            say("  ".join(cell or "-" for cell in row))
        return
    table = Table(box=None)
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number < right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def _document(
    routes: Iterable[RouteClients], read: AccessLog, since: dt.datetime | None, *, with_clients: bool
) -> dict[str, Any]:
    return {
        "since": moment_text(since) or None,
        "log_begins": moment_text(read.begins) or None,
        "unreadable_lines": read.unreadable,
        "routes": [route.as_json(with_clients=with_clients) for route in routes],
    }


def _at_least(route: RouteClients) -> str:
    return "more than " if route.others else ""


def _printable(text: str) -> str:
    """A text that a client sent, its control characters escaped for the operator's terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
