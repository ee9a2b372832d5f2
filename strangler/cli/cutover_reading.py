"""What the commands on leaving Django read: the access log, the database, the project itself, and the state folder."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence

from strangler.cli.clients import own_logs
from strangler.cli.moves import rollout_read
from strangler.cli.output import log_opened, note
from strangler.cli.schema.inputs import reach
from strangler.compare.declared import DeclaredDifference, declared_differences
from strangler.cutover.checklist import Measured
from strangler.cutover.tables import django_tables
from strangler.cutover.ties import Tie, owner_tie, route_ties, table_tie, traffic_ties, usage_ties
from strangler.cutover.traffic import RecentTraffic
from strangler.cutover.usage import DjangoUsage
from strangler.errors import StranglerError, UsageError
from strangler.handover.baseline import is_handed_over
from strangler.metrics.access_log import AccessLog, log_lines
from strangler.metrics.clients import since_parse
from strangler.rollout.rollout import Rollout
from strangler.routes.table import RouteTable
from strangler.schema.django_side import TIMEOUT_SECONDS
from strangler.settings import LocalSettings


def traffic_read(since: str, logs: Sequence[str] | None, table: RouteTable) -> RecentTraffic:
    """The requests since then, of the named logs or of the stack's own.

    :raises UsageError: there is no log, or `since` is no time.
    :raises FailedError: a log can't be read.
    """
    traffic = RecentTraffic(since=since_parse(since, now=dt.datetime.now(dt.UTC)))
    routes = {route.name for route in table.routes}
    for name in logs or own_logs():
        with log_opened(name, option="--log") as file:
            part = AccessLog()
            traffic.add(part.requests(log_lines(file)), routes=routes)
        part.require_readable(name)
    return traffic


def ties_read(
    settings: LocalSettings,
    table: RouteTable,
    traffic: Callable[[], RecentTraffic],
    *,
    manage: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
    notify: Callable[[str], None] = note,
) -> list[Tie]:
    """All that ties the system to Django; what can't be read is a tie of its own."""
    return [
        *route_ties(table),
        *_attempted("traffic of Django", lambda: traffic_ties(traffic())),
        *_attempted("tables", lambda: _database(settings)),
        *_attempted("Django", lambda: _usage(settings, manage=manage, timeout=timeout, notify=notify)),
    ]


def running_read(settings: LocalSettings) -> tuple[Rollout, RouteTable]:
    """The rollout, and the routes as they run; those of the file where nothing was applied yet."""
    rollout, _ = rollout_read()
    try:
        return rollout, rollout.running()[1]
    except UsageError:
        return rollout, settings.project.load_routes()


def measured_read(
    settings: LocalSettings, rollout: Rollout, table: RouteTable, traffic: RecentTraffic | None, *, left: int | None
) -> Measured:
    """What the checklist measures."""
    now = dt.datetime.now(dt.UTC)
    return Measured(
        table=table,
        evidence=rollout.evidence([route.name for route in table.routes]),
        expired=[
            f"{each} has expired on {each.expires}" for each in declared_read(settings) if each.expires < now.date()
        ],
        traffic=traffic,
        state=settings.project.state,
        left=left,
        now=now,
    )


def declared_read(settings: LocalSettings) -> list[DeclaredDifference]:
    """The declared differences of the project; none where it names no file."""
    return declared_differences(settings.project.declared)


def owner_dsn(settings: LocalSettings) -> str:
    """The database as the tables' owner.

    :raises UsageError: the settings don't lead there.
    """
    dsn = reach(settings, django=False).owner_dsn
    assert dsn is not None  # noqa: S101 - it isn't left out
    return dsn


def _attempted(kind: str, read: Callable[[], Iterable[Tie]]) -> Iterator[Tie]:
    """What `read` gives; what can't be read may still be there."""
    try:
        yield from read()
    except StranglerError as error:
        yield Tie(kind=kind, count=None, what=error.message, hint=error.hint)


def _database(settings: LocalSettings) -> Iterator[Tie]:
    project, dsn = settings.project, owner_dsn(settings)
    yield owner_tie(handed_over=is_handed_over(dsn))
    consumer = project.load_consumer() if project.consumer.exists() else None
    has_worker = project.fastapi.worker is not None
    yield table_tie(django_tables(dsn, project.load_contract(), consumer, has_worker=has_worker))


def _usage(
    settings: LocalSettings, *, manage: str | None, timeout: float, notify: Callable[[str], None]
) -> Iterator[Tie]:
    project = reach(settings, manage=manage, timeout=timeout).project
    assert project is not None  # noqa: S101 - it isn't left out
    usage = DjangoUsage.read(project)
    if usage.libraries:
        notify(f"taken for libraries, and not looked into: {', '.join(usage.libraries)}")
    yield from usage_ties(usage)
