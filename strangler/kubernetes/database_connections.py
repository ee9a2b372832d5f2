"""How many connections the pods may open, and whether PostgreSQL has as many."""

from typing import Final

from strangler.errors import UsageError, many
from strangler.kubernetes.cluster_project import ClusterProject
from strangler.kubernetes.pods import SURGE
from strangler.routes.route import Stack

# The Jobs: a migration and the grants of two versions.
_SETUP: Final = 2


def connections_check(cluster: ClusterProject) -> str:
    """The sentence that says what the pods may open at most: while a new version comes and all are busy.

    :raises UsageError: PostgreSQL allows fewer.
    """
    postgres = cluster.table.postgres
    room = postgres.max_connections - postgres.reserved
    terms = {stack: _most(cluster, stack) for stack in cluster.rendered_stacks}
    most = sum(count for count, _ in terms.values()) + _SETUP
    reckoning = ", ".join(f"{stack} {count} ({words})" for stack, (count, words) in terms.items())
    said = f"{reckoning}, setup {_SETUP}"
    limit = f"max_connections {postgres.max_connections}, {postgres.reserved} reserved"
    if most > room:
        message = (
            f"the pods may open {many(most, 'connection')} to PostgreSQL: {said}; it has {room} for them ({limit})"
        )
        hint = (
            "lower max_replicas, workers or pool under [kubernetes], or raise max_connections there and in PostgreSQL"
        )
        raise UsageError(message, hint)
    return f"up to {most} of PostgreSQL's {room} connections: {said} ({limit})."


def _most(cluster: ClusterProject, stack: Stack) -> tuple[int, str]:
    """The most that a stack may open, and how that is reckoned."""
    pods = cluster.stack(stack)
    threads = pods.threads if stack is Stack.DJANGO else None
    process = cluster.section(stack).process_connections(pool=pods.pool, threads=threads) + pods.extra_connections
    count = (pods.max_replicas + SURGE) * pods.workers * process
    return count, f"{pods.max_replicas}+{SURGE} pods of {many(pods.workers, 'worker')} with {process} each"
