"""What still ties a system to Django: each tie with its number and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from strangler.cutover.tables import DjangoTable
from strangler.cutover.traffic import RecentTraffic
from strangler.cutover.usage import DjangoUsage
from strangler.errors import many
from strangler.metrics.clients import moment_text
from strangler.routes.route import Stage
from strangler.routes.table import RouteTable

_HINTS: Final[Mapping[str, str]] = {
    "commands": "write them again as commands of the FastAPI service",
    "tasks": "move them to a worker without Django",
    "task_libraries": "their workers and tables start Django: move them, or give them a start of their own",
    "schedules": "move them along with their tasks",
    "receivers": "do what they do in FastAPI's service, or in the database",
    "templates": "move the pages, or drop them",
    "static": "serve the files from nginx or a CDN, or drop them",
    "admin_models": "replace the admin; keep its log with strangler cutover archive",
}
_SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True)
class Tie:
    """One kind of thing that needs Django.

    `count` is how many there are, 0 for none, None where that isn't known and `what` says why. `items` names them.
    """

    kind: str
    count: int | None
    what: str
    hint: str = ""
    items: tuple[str, ...] = ()

    @property
    def is_left(self) -> bool:
        """Whether Django can't go yet, or it isn't known whether it can."""
        return self.count != 0

    @property
    def named(self) -> str:
        """The first of its items, and how many more there are."""
        more = len(self.items) - _SHOWN
        return ", ".join(self.items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"kind": self.kind, "count": self.count, "what": self.what, "hint": self.hint, "items": self.items}


def route_ties(table: RouteTable) -> Iterator[Tie]:
    """By stages: routes that Django still answers, or stands behind; and the paths that are its own for good."""
    routes = [route for route in table.routes if not route.v2_only]
    gone = {Stage.MIGRATED, Stage.RETIRED}
    for stage in (stage for stage in Stage if stage not in gone):
        names = tuple(route.name for route in routes if route.stage is stage)
        if names:
            yield _counted(f"routes at {stage}", names, "move them: strangler ramp NAME")
    moved = [route for route in routes if route.stage in gone]
    if len(moved) == len(routes):
        yield Tie(kind="routes", count=0, what=f"all {many(len(routes), 'route')} migrated or retired")
    fallback = tuple(route.name for route in moved if route.fallback)
    if fallback:
        yield _counted("fallback", fallback, "strangler switch NAME --no-fallback: Django answers when FastAPI fails")
    shadow = tuple(route.name for route in moved if route.shadow)
    if shadow:
        yield _counted("shadow", shadow, "strangler switch NAME --shadow 0: reads are compared with Django's")
    kept = {each.name for each in table.without_django.fixed}
    fixed = tuple(f"{each.name} {each.path}" for each in table.fixed if each.name not in kept)
    hint = 'replace what they serve and say cutover = "fastapi", or take their [[fixed]] out of the routes file'
    yield _counted("fixed paths", fixed, hint)


def traffic_ties(traffic: RecentTraffic) -> Iterator[Tie]:
    """What Django answered lately; a log that begins later can't tell that nobody came before."""
    beyond = "" if traffic.is_whole else f"; the log begins at {moment_text(traffic.begins) or 'no request'}"
    answered, since = sum(traffic.django.values()), moment_text(traffic.since)
    yield Tie(
        kind="traffic of Django",
        count=answered or (0 if traffic.is_whole else None),
        what=f"{many(answered, 'request')} answered by Django since {since}{beyond}",
        hint="move these routes" if answered else "wait until the log reaches back so far, or name a later --since",
        items=tuple(f"{name} {count:,}" for name, count in traffic.django.most_common()),
    )
    if fallbacks := sum(traffic.fallbacks.values()):
        yield Tie(
            kind="fallbacks",
            count=fallbacks,
            what=f"{many(fallbacks, 'read')} that FastAPI failed and Django answered",
            hint="see FastAPI's log: strangler logs fastapi",
            items=tuple(f"{name} {count:,}" for name, count in traffic.fallbacks.most_common()),
        )


def v1_sentence(traffic: RecentTraffic) -> str:
    """Who still calls v1: no tie to Django, but what a retirement waits for."""
    count, since = sum(traffic.v1.values()), moment_text(traffic.since)
    names = ", ".join(f"{name} {number:,}" for name, number in traffic.v1.most_common(_SHOWN))
    whose = f" ({names}): strangler clients says whose" if names else ""
    return f"{many(count, 'request')} of v1 since {since}{whose}"


def table_tie(tables: Sequence[DjangoTable]) -> Tie:
    """Tables of the contract that FastAPI doesn't use."""
    there = [table for table in tables if table.rows is not None]
    rows = sum(table.rows or 0 for table in there)
    return Tie(
        kind="tables",
        count=len(there),
        what=f"{many(len(there), 'table')} that only Django uses, with {many(rows, 'row')}",
        hint="keep what is of record with strangler cutover archive, then drop them: strangler modernise plan NAME",
        items=tuple(map(str, sorted(there, key=lambda table: -(table.rows or 0)))),
    )


def owner_tie(*, handed_over: bool) -> Tie:
    """Who migrates the schema."""
    if handed_over:
        return Tie(kind="schema", count=0, what="Alembic owns the schema")
    return Tie(kind="schema", count=1, what="Django's migrations own the schema", hint="strangler handover plan")


def usage_ties(usage: DjangoUsage) -> Iterator[Tie]:
    """What Django itself says; what it could not read is left until somebody has looked."""
    for kind, hint in _HINTS.items():
        found: Sequence[Any] | None = getattr(usage, kind)
        if found is not None:
            items = (
                tuple(f"{each.name} ({each.file}:{each.line})" for each in found) if kind == "tasks" else tuple(found)
            )
            yield _counted(kind.replace("_", " "), items, hint)
    if usage.sessions is not None:
        yield _sessions_tie(usage)
    if usage.admin_log is not None:
        last = f", the last of {usage.admin_log.last}" if usage.admin_log.last else ""
        yield Tie(
            kind="admin log",
            count=usage.admin_log.rows,
            what=f"{usage.admin_log.rows:,} in the admin's log{last}",
            hint="keep them with strangler cutover archive",
        )
    if usage.staff is not None:
        what = f"{many(usage.staff, 'active user')} who may sign in to the admin"
        yield Tie(kind="staff", count=usage.staff, what=what, hint="give them what takes the admin's place")
    for each in usage.unread:
        yield Tie(kind=each.what, count=None, what=f"not read: {each.reason}", hint="look at it by hand")


def _sessions_tie(usage: DjangoUsage) -> Tie:
    assert usage.sessions is not None  # noqa: S101 - the caller has looked
    live, engine = usage.sessions.live, usage.sessions.engine
    hint = "let them expire, or have FastAPI read them: SessionAuthentication of strangler_fastapi"
    if live is None:
        return Tie(kind="sessions", count=None, what=f"kept by {engine}, which can't be counted", hint=hint)
    return Tie(kind="sessions", count=live, what=f"{many(live, 'session')} that have not expired", hint=hint)


def _counted(kind: str, items: tuple[str, ...], hint: str) -> Tie:
    return Tie(kind=kind, count=len(items), what=f"{len(items)}" if items else "none", hint=hint, items=items)
