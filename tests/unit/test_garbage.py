"""What a process that serves has made by its start is out of the way of Python's collector."""

import gc
import runpy
from collections.abc import Iterator

import pytest
import uvicorn

from django_app.config import startup
from fastapi_app import __main__ as entry
from fastapi_app import main
from tests.example import ROOT

# What a service of either stack has imported is far more.
OBJECTS = 50_000


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


async def test_fastapi_serves_an_application_that_the_collector_passes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a single worker makes it, in its loop; a main process maps the tables too, by a connection."""
    monkeypatch.setenv("FASTAPI_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    monkeypatch.setenv("JWT_SIGNING_KEY", "a key of the tests, which is no secret of anybody's")
    monkeypatch.setattr(main, "configure_logs", lambda _level: None)
    started: list[str] = []
    monkeypatch.setattr(uvicorn, "run", lambda application, **_: started.append(application))
    entry.main()
    assert started == [f"{main.__name__}:{main.create_served.__name__}"]
    main.create_served()
    assert gc.get_freeze_count() > OBJECTS


def test_gunicorns_workers_connect_and_have_the_collector_pass_over_what_they_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected: list[bool] = []
    monkeypatch.setattr(startup, "database_open", lambda: connected.append(True))
    runpy.run_path(str(ROOT / "django_app" / "config" / "gunicorn.py"))["post_worker_init"](None)
    assert gc.get_freeze_count() > OBJECTS
    assert connected
