"""Jobs of Procrastinate bear the id of the request that enqueued them, for the logs of whichever worker does them."""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any, Final

from procrastinate.jobs import Job
from procrastinate.manager import JobManager

# Beside the arguments of a job's row. No parameter of a task can have that name.
KEY: Final = "x-request-id"


class RequestJobManager(JobManager):
    """Sets `request_id` to the id that a job bears while that is done; with `marks` it enqueues jobs with the id in it.

    It stands in place of an app's `job_manager`. A worker without it passes the id to the task, which takes no such
    argument: the job fails, and only a task with a `retry` is tried again. So nothing may mark jobs before every worker
    of the database has this class. `nothing` is what the variable holds where there is no request.
    """

    def __init__(self, connector: Any, *, request_id: ContextVar[Any], nothing: str | None, marks: bool) -> None:  # noqa: ANN401 - the library's own
        super().__init__(connector)
        self._request_id = request_id
        self._nothing = nothing
        self._marks = marks

    async def batch_defer_jobs_async(self, jobs: list[Job], connection: Any = None) -> list[Job]:  # noqa: ANN401 - as above
        """See JobManager."""
        return await super().batch_defer_jobs_async(self._marked(jobs), connection)

    def batch_defer_jobs(self, jobs: list[Job], connection: Any = None) -> list[Job]:  # noqa: ANN401 - as above
        """See JobManager."""
        return super().batch_defer_jobs(self._marked(jobs), connection)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """See JobManager; the job is then done in a context that is copied from this one."""
        job = await super().fetch_job(queues, worker_id)
        arguments = dict(job.task_kwargs) if job else {}
        self._request_id.set(arguments.pop(KEY, self._nothing))
        return job.evolve(task_kwargs=arguments) if job else None

    def _marked(self, jobs: Sequence[Job]) -> list[Job]:
        found = self._request_id.get()
        if not self._marks or found in {None, self._nothing}:
            return list(jobs)
        return [job.evolve(task_kwargs={**job.task_kwargs, KEY: found}) for job in jobs]
