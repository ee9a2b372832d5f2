"""Background jobs of a service, by Procrastinate: enqueued in a request's transaction, run by a worker of their own.

A job is a row of `procrastinate_jobs`. One that is enqueued with `configure(connection=session)` is there once the
session has committed, and not at all where it rolls back:

    await mail_send.configure(connection=session).defer_async(order_id=order_id)
"""

import json
import re
from typing import Any, Final

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy

from shared_schema.job_requests import RequestJobManager
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.logs import NO_REQUEST, request_id

# A job that fails is tried five times more: after 4, 16, 64, 256 and 1,024 seconds.
RETRY: Final = RetryStrategy(max_attempts=5, exponential_wait=4)
# Of the jobs that only FastAPI's worker knows; a worker of Django's takes those of other queues.
QUEUE: Final = "fastapi"
# A worker that has said nothing for so long is dead, and its job is another's.
_DEAD_SECONDS: Final = 30
_HEARTBEAT_SECONDS: Final = 5
_KEPT_HOURS: Final = 7 * 24
# Of what is done each minute nobody needs a week's rows: with their events there would be 40,000.
_DONE_BEFORE: Final = "DELETE FROM procrastinate_jobs WHERE task_name = %(task)s AND status = 'succeeded'"
_PARAMETER: Final = re.compile(r"%\((\w+)\)s")


class SessionConnector(PsycopgConnector):
    """Procrastinate's own connector, which enqueues on a RequestSession too."""

    async def execute_query_all_async_with_connection(
        self,
        connection: Any,  # noqa: ANN401 - a RequestSession, or what the library's own takes
        query: str,
        **arguments: Any,  # noqa: ANN401 - as the library has them
    ) -> list[dict[str, Any]]:
        """See PsycopgConnector."""
        if not isinstance(connection, RequestSession):
            rows: list[dict[str, Any]] = await super().execute_query_all_async_with_connection(
                connection, query, **arguments
            )
            return rows
        await connection.begin_transaction()
        names = list(dict.fromkeys(_PARAMETER.findall(query)))
        text = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", query)
        driver = await connection.driver()
        return [dict(row) for row in await driver.fetch(text, *(_as_sent(arguments[name]) for name in names))]


def _as_sent(value: Any) -> Any:  # noqa: ANN401 - whatever a query takes
    """A value as asyncpg takes it: JSON as text, rows within lists as tuples."""
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, tuple):
        return tuple(_as_sent(each) for each in value)
    return [_as_sent(each) for each in value] if isinstance(value, list) else value


def create_jobs(url: str, *, request_ids: bool = False) -> App:
    """The jobs of a service, whose workers use the database at `url`; its tasks are added by their decorator.

    Each minute a worker has the jobs of dead workers run again, and once a day removes what was done a week ago.

    Args:
        url: of the database.
        request_ids: whether a job that is enqueued bears the id of its request, which every worker of this function
            logs. Only once each worker of the database, Django's too, knows it (`RequestJobManager`): another's fails.
    """
    app = App(
        connector=SessionConnector(conninfo=url),
        worker_defaults={
            "update_heartbeat_interval": _HEARTBEAT_SECONDS,
            "stalled_worker_timeout": _DEAD_SECONDS,
        },
    )
    app.job_manager = RequestJobManager(app.connector, request_id=request_id, nothing=NO_REQUEST, marks=request_ids)

    @app.periodic(cron="* * * * *")
    @app.task(name="jobs_of_dead_workers", queue=QUEUE, queueing_lock="jobs of dead workers", pass_context=True)
    async def jobs_of_dead_workers(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the library passes it
        await stalled_retry(context.app)
        await context.app.connector.execute_query_async(_DONE_BEFORE, task="jobs_of_dead_workers")

    @app.periodic(cron="17 3 * * *")
    @app.task(name="old_jobs", queue=QUEUE, queueing_lock="old jobs", pass_context=True)
    async def old_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
        await context.app.job_manager.delete_old_jobs(nb_hours=_KEPT_HOURS)

    return app


async def stalled_retry(app: App, *, seconds: float = _DEAD_SECONDS) -> int:
    """Has the jobs run again whose worker has said nothing for so long; returns how many."""
    jobs = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds))
    for job in jobs:
        await app.job_manager.retry_job(job)
    return len(jobs)
