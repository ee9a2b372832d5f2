"""Whether PostgreSQL has room for all connections that the services may open."""

from strangler.databases.connections import connected
from strangler.deployment.source import administration
from strangler.errors import UsageError, many
from strangler.kubernetes.cluster_project import cluster_project
from strangler.kubernetes.database_connections import connections_check
from strangler.rollout.coverage import CheckResult, Level
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

_CHECK = "connections"
# What may not be had by others than superusers, and since PostgreSQL 16 by members of pg_use_reserved_connections.
_ROOM = """
    SELECT sum(setting::int) FILTER (WHERE name = 'max_connections'),
           coalesce(sum(setting::int) FILTER (WHERE name <> 'max_connections'), 0)
    FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
"""


def connections_result(settings: LocalSettings) -> CheckResult:
    """What the services may open at most against what PostgreSQL allows: of the project file for a cluster, else asked.

    :raises UsageError: a setting is wrong.
    :raises FailedError: the database doesn't answer.
    """
    if settings.gateway == "kubernetes":
        try:
            sentence = connections_check(cluster_project(settings.project))
        except UsageError as error:
            return CheckResult(check=_CHECK, level=Level.FINDING, sentence=str(error))
        return CheckResult(check=_CHECK, level=Level.OK, sentence=sentence)
    dsn, _ = administration(settings)
    with connected(dsn) as connection:
        ((most, reserved),) = connection.execute(_ROOM)
    return local_result(settings, most=most, reserved=reserved)


def local_result(settings: LocalSettings, *, most: int, reserved: int) -> CheckResult:
    """The result for services of this machine, on a server that allows `most` and keeps `reserved` back."""
    terms = {stack: _needed(settings, stack) for stack in Stack if settings.project.stack(stack).command is not None}
    needed, room = sum(count for count, _ in terms.values()), most - reserved
    reckoning = ", ".join(f"{stack} {count} ({words})" for stack, (count, words) in terms.items())
    said = f"up to {needed} of PostgreSQL's {room} connections: {reckoning or 'none'} (max_connections {most}"
    said = f"{said}, {reserved} reserved)"
    if needed <= room:
        return CheckResult(check=_CHECK, level=Level.OK, sentence=f"{said}.")
    hint = "lower DB_POOL_MAX, DJANGO_WORKERS or FASTAPI_WORKERS, or raise max_connections"
    return CheckResult(check=_CHECK, level=Level.FINDING, sentence=f"{said}: {hint}.")


def _needed(settings: LocalSettings, stack: Stack) -> tuple[int, str]:
    """The most that a stack opens for requests, and how that is reckoned."""
    workers = settings.django_workers if stack is Stack.DJANGO else settings.fastapi_workers
    each = settings.project.stack(stack).process_connections(
        pool=settings.db_pool_max, threads=settings.django_threads if stack is Stack.DJANGO else None
    )
    return workers * each, f"{many(workers, 'worker')} with {each} each"
