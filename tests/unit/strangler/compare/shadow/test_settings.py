"""The environment of the shadow worker."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from strangler.compare.differ import DifferenceKind
from strangler.compare.shadow.settings import ShadowSettings, shadow_settings_load
from strangler.errors import UsageError

ENVIRONMENT = {
    "SHADOW_SOCKET": "shadow.sock",
    "SHADOW_DATABASE": "/shadow/shadow.sqlite3",
    "SHADOW_DJANGO_URL": "http://django:8001/api/",
    "SHADOW_FASTAPI_URL": "https://[::1]:8002",
    "SHADOW_V1": "/api",
    "SHADOW_V2": "/",
}


def test_the_least_that_it_needs() -> None:
    assert shadow_settings_load({**ENVIRONMENT, "SHADOW_DECLARED": "", "PATH": "/bin"}) == ShadowSettings(
        socket=Path("shadow.sock"),
        database=Path("/shadow/shadow.sqlite3"),
        django_url="http://django:8001/api",
        fastapi_url="https://[::1]:8002",
        v1="/api",
        v2="",
    )


def test_all_that_there_is() -> None:
    more = {
        "SHADOW_SOCKET": "",
        "SHADOW_LISTEN": "0.0.0.0:8125",
        "SHADOW_RESULTS": "/run/results.sock",
        "SHADOW_DECLARED": "declared.toml",
        "SHADOW_SOCKET_OWNER": "nobody",
        "SHADOW_RATE": "0.5",
        "SHADOW_CONCURRENCY": "2",
        "SHADOW_QUEUE": "10",
        "SHADOW_QUEUE_PER_ROUTE": "5",
        "SHADOW_TIMEOUT": "3",
        "SHADOW_BODY_BYTES": "1000",
        "SHADOW_IGNORE": '["text", "key_order"]',
    }
    settings = shadow_settings_load({**ENVIRONMENT, **more})
    assert (settings.socket, settings.listen, settings.results) == (None, "0.0.0.0:8125", "/run/results.sock")
    assert (settings.declared, settings.socket_owner) == (Path("declared.toml"), "nobody")
    assert (settings.rate, settings.timeout) == (0.5, 3.0)
    assert (settings.concurrency, settings.queue, settings.queue_per_route, settings.body_bytes) == (2, 10, 5, 1000)
    assert settings.ignore == {DifferenceKind.TEXT, DifferenceKind.KEY_ORDER}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("DATABASE", "", "it is missing"),
        ("V1", "", "it is missing"),
        ("DJANGO_URL", "django:8001", "it is no http:// or https:// address"),
        ("FASTAPI_URL", "http:///api", "it is no http:// or https:// address"),
        ("LISTEN", "8125", "it is no HOST:PORT"),
        ("RESULTS", "results.sock", "it is no HOST:PORT"),
        ("RESULTS", "0.0.0.0:65536", "a port is 1 to 65535"),
        ("LISTEN", "0.0.0.0:0", "a port is 1 to 65535"),
        ("RATE", "0", "it isn't above 0"),
        ("RATE", "nan", "it isn't above 0"),
        ("TIMEOUT", "soon", "could not convert string to float: 'soon'"),
        ("CONCURRENCY", "0", "it is less than 1"),
        ("QUEUE", "1.5", "invalid literal for int() with base 10: '1.5'"),
        ("IGNORE", '["colour"]', "'colour' is not a valid DifferenceKind"),
        ("IGNORE", "5", "'int' object is not iterable"),
        ("SOCKET", "", "name either SHADOW_SOCKET or SHADOW_LISTEN"),
    ],
)
def test_a_wrong_variable_is_named_with_a_reason(name: str, value: str, why: str) -> None:
    message = f"SHADOW_{name} can't be read ({why}): correct it in the worker's environment."
    with pytest.raises(UsageError, match=re.escape(message)):
        shadow_settings_load({**ENVIRONMENT, f"SHADOW_{name}": value})


def test_both_inboxes_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="name either SHADOW_SOCKET or SHADOW_LISTEN"):
        shadow_settings_load({**ENVIRONMENT, "SHADOW_LISTEN": "0.0.0.0:8125"})


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("__main__", {"asyncio", "aiohttp", "psutil", "pydantic", "sqlite3"}),
        ("worker", {"http.server", "httpx", "jinja2", "psutil", "pydantic", "rich", "sqlalchemy"}),
    ],
)
def test_the_worker_does_without_what_would_double_its_memory(module: str, without: set[str]) -> None:
    program = f"import sys, strangler.compare.shadow.{module}; print(*{without} & set(sys.modules))"
    found = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
