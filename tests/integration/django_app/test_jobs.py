"""Background jobs: a row in the transaction of what it is about, done once, by the worker of either stack."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from procrastinate import App

from django_app.accounts.models import User
from django_app.blog import tasks
from django_app.blog.models import Post
from fastapi_app.commands.tasks import create_worker, drafts_prune_later
from fastapi_app.config import load_settings
from fastapi_app.main import open_database
from strangler_fastapi.commands import command_do
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.jobs import QUEUE, RETRY, create_jobs, stalled_retry
from tests.example import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

DAYS = 30
# A worker that begins a job and never ends it.
STUCK = """
import asyncio, sys
from strangler_fastapi.jobs import create_jobs
app = create_jobs(sys.argv[1])
@app.task(name="stuck", queue="stuck")
async def stuck():
    await asyncio.sleep(600)
app.run_worker(queues=["stuck"], listen_notify=False)
"""


class RolledBack(Exception):
    pass


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the tests' database, as FastAPI's commands get it; there are no jobs in it."""
    own = connection.settings_dict
    address = f"postgresql://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    for name in ("DATABASE_URL", "FASTAPI_DATABASE_URL"):
        monkeypatch.setenv(name, address)
    monkeypatch.setenv("JWT_SIGNING_KEY", "a key of the tests, which signs nothing at all")
    yield address
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


@pytest.fixture
def old_draft(alice: User, url: str) -> Post:  # noqa: ARG001 - what deletes it needs the address
    draft = Post.objects.create(author=alice, title="old", content="")
    Post.objects.filter(pk=draft.pk).update(created_at=timezone.now() - timedelta(days=DAYS + 1))
    return draft


def jobs() -> list[Any]:
    """All but those that come round by themselves: name, status, arguments, attempts, and whether it is to wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, status::text, args, attempts, coalesce(scheduled_at > now(), false)"
            " FROM procrastinate_jobs WHERE queue_name <> %s ORDER BY id",
            [QUEUE],
        )
        return cursor.fetchall()


def waiting(days: int) -> list[Any]:
    return [("prune_drafts", "todo", f'{{"days": {days}}}', 0, False)]


async def fastapi_enqueues(*, fails: bool) -> int:
    """A row of FastAPI's and a job, in one transaction."""
    settings = load_settings()

    async def work(session: RequestSession) -> int:
        app = create_worker(settings)
        number = await drafts_prune_later(session, app=app, days=DAYS)
        if fails:
            raise RolledBack
        return number

    return await command_do(lambda: open_database(settings, url=settings.database_url), work)


def django_worker() -> None:
    call_command("procrastinate", "worker", "--one-shot", "--queues", "default")


def fastapi_worker() -> None:
    create_worker(load_settings()).run_worker(wait=False, install_signal_handlers=False)


def test_a_job_of_a_write_that_is_rolled_back_never_runs(old_draft: Post) -> None:
    with suppress(RolledBack), transaction.atomic():
        tasks.prune_drafts.defer(days=DAYS)
        raise RolledBack
    with suppress(RolledBack):
        asyncio.run(fastapi_enqueues(fails=True))
    assert jobs() == []
    fastapi_worker()
    assert Post.objects.filter(pk=old_draft.pk).exists()


@pytest.mark.parametrize("worker", [django_worker, fastapi_worker])
@pytest.mark.parametrize("enqueues", ["django", "fastapi"])
def test_either_worker_does_a_job_of_either_stack_once(enqueues: str, worker: Any, old_draft: Post) -> None:
    if enqueues == "django":
        tasks.prune_drafts.defer(days=DAYS)
    else:
        asyncio.run(fastapi_enqueues(fails=False))
    assert jobs() == waiting(DAYS)
    worker()
    worker()
    assert not Post.objects.filter(pk=old_draft.pk).exists()
    assert jobs() == [("prune_drafts", "succeeded", '{"days": 30}', 1, False)]


def test_a_job_that_fails_is_tried_again_later(url: str) -> None:
    app = create_jobs(url)

    @app.task(name="failing", retry=RETRY)
    async def failing() -> None:
        raise RuntimeError("not yet")

    with app.open():
        failing.defer()
    app.run_worker(wait=False, install_signal_handlers=False, queues=["default"])
    assert jobs() == [("failing", "todo", "{}", 1, True)]


@pytest.mark.long
def test_the_job_of_a_killed_worker_is_done_by_another(url: str) -> None:
    app = create_jobs(url)
    done: list[bool] = []

    @app.task(name="stuck", queue="stuck")
    async def stuck() -> None:
        done.append(True)

    with app.open():
        stuck.defer()
    killed = subprocess.Popen([sys.executable, "-c", STUCK, url], cwd=ROOT)  # noqa: S603 - of this file
    try:
        until(lambda: jobs()[0][1] == "doing")
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait(30)
    until(lambda: asyncio.run(freed(url)) == 1)
    app.run_worker(wait=False, install_signal_handlers=False, queues=["stuck"])
    assert done == [True]
    assert jobs() == [("stuck", "succeeded", "{}", 2, False)]


async def freed(url: str) -> int:
    """How many jobs are another's now; a worker that has said nothing for a second counts as dead here."""
    app: App = create_jobs(url)
    async with app.open_async():
        return await stalled_retry(app, seconds=1)


def until(holds: Any) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
