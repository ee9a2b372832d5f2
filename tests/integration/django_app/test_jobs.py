"""Background jobs: a row in the transaction of what it is about, done once, by the worker of either stack."""

import asyncio
import io
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from procrastinate import App, PsycopgConnector
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from django_app.accounts.models import User
from django_app.blog import tasks
from django_app.blog.models import Post
from django_app.config.logs import JsonFormatter as DjangoFormatter
from django_app.config.middleware import RequestLogMiddleware
from fastapi_app.commands import tasks as fastapi_tasks
from fastapi_app.commands.tasks import create_worker, drafts_prune_later
from fastapi_app.config import load_settings
from fastapi_app.database import open_database
from strangler.compare.writes.id_mapping import Clock, IdMapping
from strangler.compare.writes.tables import Column, Table
from strangler_fastapi.commands import command_do
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.jobs import QUEUE, RETRY, create_jobs, stalled_retry
from strangler_fastapi.logs import JsonFormatter
from strangler_fastapi.middleware import RequestMiddleware
from tests.asgi import answer_to
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


def jobs(*, periodic: bool = False) -> list[Any]:
    """Those that come round by themselves, or all others: name, status, arguments, attempts, whether it is to wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, status::text, args, attempts, coalesce(scheduled_at > now(), false)"
            " FROM procrastinate_jobs WHERE (queue_name = %s) = %s ORDER BY id",
            [QUEUE, periodic],
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


def django_requested(request_id: str = "") -> None:
    """A request of Django's that enqueues a job."""

    def view(_request: object) -> HttpResponse:
        tasks.prune_drafts.defer(days=DAYS)
        return HttpResponse()

    RequestLogMiddleware(view)(RequestFactory().get("/", headers={"X-Request-ID": request_id}))


def fastapi_requested(request_id: str = "", *, enqueues: Any = lambda: fastapi_enqueues(fails=False)) -> None:
    """A request of FastAPI's that enqueues a job."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await enqueues()
        await PlainTextResponse("")(scope, receive, send)

    app = RequestMiddleware(endpoint, service="fastapi_app")
    asyncio.run(answer_to(app, "GET", "/", {"X-Request-ID": request_id}, b""))


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


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> dict[str, io.StringIO]:
    """What is logged from now on, as each stack writes it; both workers' work logs a line of its own."""
    own = logging.getLogger("tests.jobs")
    monkeypatch.setattr(tasks, "post_prune_drafts", lambda **_: own.info("at work") or 0)
    monkeypatch.setattr(fastapi_tasks, "drafts_prune", lambda *_, **__: own.info("at work") or nothing())
    written = {}
    root = logging.getLogger()
    for stack, formatter in (("django", DjangoFormatter()), ("fastapi", JsonFormatter())):
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(formatter)
        monkeypatch.setattr(root, "handlers", [*root.handlers, handler])
        written[stack] = handler.stream
    monkeypatch.setattr(root, "level", logging.INFO)
    return written


async def nothing() -> int:
    return 0


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("worker", [django_worker, fastapi_worker])
@pytest.mark.parametrize("requested", [django_requested, fastapi_requested])
def test_what_a_worker_logs_of_a_job_has_the_id_of_its_request(
    requested: Any, worker: Any, logged: dict[str, io.StringIO]
) -> None:
    """Its own lines, those of the task, and none of a job that no request has enqueued."""
    requested("0af7651916cd43dd")
    tasks.prune_drafts.defer(days=7)
    stream = logged["django" if worker is django_worker else "fastapi"]
    before = len(stream.getvalue())
    worker()
    lines = [json.loads(line) for line in stream.getvalue()[before:].splitlines()]
    ids = {days: [line["request_id"] for line in lines if f"days={days})" in line["message"]] for days in (DAYS, 7)}
    none = None if worker is django_worker else "-"
    assert ids == {DAYS: ["0af7651916cd43dd"] * 2, 7: [none] * 2}
    assert [line["request_id"] for line in lines if line["message"] == "at work"] == ["0af7651916cd43dd", none]
    assert [job[1] for job in jobs()] == ["succeeded"] * 2


def test_a_job_bears_no_id_before_the_project_says_that_each_worker_knows_it(url: str) -> None:
    """One of code that doesn't know it would pass it to the task, and the job would fail for good."""
    service = create_jobs(url)
    plain = App(connector=PsycopgConnector(conninfo=url))
    done: list[int] = []

    @plain.task(name="counted")
    async def counted(number: int) -> None:
        done.append(number)

    async def enqueues() -> None:
        async with service.open_async():
            await service.configure_task("counted", allow_unknown=True).defer_async(number=7)

    fastapi_requested("0af7651916cd43dd", enqueues=enqueues)
    plain.run_worker(wait=False, install_signal_handlers=False)
    assert jobs() == [("counted", "succeeded", '{"number": 7}', 1, False)]
    assert done == [7]


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("request_id", ["0af7651916cd43dd", ""], ids=["given", "missing"])
def test_the_job_of_a_request_is_the_same_to_a_comparison_on_either_stack(request_id: str) -> None:
    """Without an id from outside each stack makes one of its own, in one form."""
    django_requested(request_id)
    fastapi_requested(request_id)
    left, right = (job[2] for job in jobs())
    assert "x-request-id" in json.loads(left)
    column = Column(name="args", type="jsonb", category="U")
    table = Table(schema="public", name="procrastinate_jobs", partitioned=False, key=("id",), columns=(column,))
    assert IdMapping(Clock(datetime.now(UTC))).column_same(table, column, left, right)


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


def test_what_is_done_each_minute_leaves_one_row(url: str) -> None:
    app = create_jobs(url)
    for minute in range(3):
        with app.open():
            app.tasks["jobs_of_dead_workers"].defer(timestamp=minute)
        app.run_worker(wait=False, install_signal_handlers=False, queues=[QUEUE])
    # The last, or that of this very minute.
    assert [job[0] for job in jobs(periodic=True) if job[1] == "succeeded"] == ["jobs_of_dead_workers"]


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
