"""The jobs of `python -m fastapi_app worker`. What Django's worker does too has the same name and arguments there."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from procrastinate import App

from fastapi_app.commands.housekeeping import drafts_prune, tokens_flush
from fastapi_app.config import Settings
from fastapi_app.database import open_database
from strangler_fastapi.commands import command_do
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.jobs import QUEUE, RETRY, create_jobs

PRUNE_DRAFTS: Final = "prune_drafts"


def create_worker(settings: Settings) -> App:
    """The tasks, and those that come round by themselves; they work as the role of DATABASE_URL, the tables' owner."""
    url = settings.database_url or settings.fastapi_database_url
    app, database = create_jobs(url, request_ids=True), partial(open_database, settings, url=url)

    @app.task(name=PRUNE_DRAFTS, retry=RETRY)
    async def prune_drafts(days: int) -> int:
        return await command_do(database, partial(drafts_prune, before=datetime.now(UTC) - timedelta(days=days)))

    @app.periodic(cron="5 * * * *")
    @app.task(name="flush_expired_tokens", queue=QUEUE, queueing_lock="expired tokens", retry=RETRY)
    async def flush_expired_tokens(timestamp: int) -> int:  # noqa: ARG001 - the library passes it
        return await command_do(database, partial(tokens_flush, now=datetime.now(UTC)))

    if settings.draft_days:

        @app.periodic(cron="35 3 * * *")
        @app.task(name="prune_old_drafts", queue=QUEUE, queueing_lock="old drafts", retry=RETRY)
        async def prune_old_drafts(timestamp: int) -> int:  # noqa: ARG001 - as above
            return await prune_drafts(settings.draft_days)

    return app


async def drafts_prune_later(session: RequestSession, *, app: App, days: int) -> int:
    """Enqueues the job for whichever worker comes first, once the session has committed; returns its number."""
    return await app.configure_task(PRUNE_DRAFTS, connection=session).defer_async(days=days)
