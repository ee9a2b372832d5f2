"""The service never blocks its event loop: every statement is awaited, and nothing that waits by itself is imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.example import ROOT

PACKAGE = ROOT / "fastapi_app"
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py"))
# What a session, a connection or the driver answers with a coroutine.
AWAITED = frozenset(
    {
        *("execute", "scalar", "scalars", "stream", "get", "refresh", "flush", "merge", "delete", "run_sync"),
        *("commit", "rollback", "close", "release", "discard", "begin", "connect", "invalidate"),
        *("fetch", "fetchrow", "fetchval", "executemany", "driver", "get_raw_connection", "dispose"),
    }
)
# Names under which the service holds them.
HOLDERS = frozenset({"session", "connection", "driver", "_driver", "_connection", "engine", "_engine"})
BLOCKING_MODULES = frozenset(
    {"psycopg", "psycopg2", "sqlite3", "requests", "urllib.request", "http.client", "socket", "subprocess"}
)
BLOCKING_CALLS = frozenset({"time.sleep", "open", "input", "os.system"})


def unawaited(source: str) -> Iterator[str]:
    """Calls of AWAITED methods whose coroutine nobody awaits, returns or hands on."""
    tree = ast.parse(source)
    kept = {
        id(child)
        for node in ast.walk(tree)
        # `async with engine.connect()` awaits for itself.
        for child in ([node.value] if isinstance(node, ast.Await) else [])
        + ([item.context_expr for item in node.items] if isinstance(node, ast.AsyncWith) else [])
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and id(node) not in kept:
            holder = node.func.value
            is_super = isinstance(holder, ast.Call) and ast.unparse(holder) == "super()"
            name = holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")
            if node.func.attr in AWAITED and (name in HOLDERS or is_super):
                yield f"line {node.lineno}: {ast.unparse(node)}"


def blocking(source: str) -> Iterator[str]:
    """Imports and calls that hold up the whole process while they wait."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            names = [ast.unparse(node.func)]
        else:
            continue
        for name in names:
            if name in BLOCKING_CALLS or any(f"{name}.".startswith(f"{module}.") for module in BLOCKING_MODULES):
                yield f"line {node.lineno}: {name}"


@pytest.mark.parametrize("path", SOURCES)
def test_every_statement_is_awaited(path: str) -> None:
    assert list(unawaited((ROOT / path).read_text())) == []


@pytest.mark.parametrize("path", SOURCES)
def test_nothing_blocks(path: str) -> None:
    assert list(blocking((ROOT / path).read_text())) == []


@pytest.mark.parametrize("path", SOURCES)
def test_every_endpoint_and_dependency_is_asynchronous(path: str) -> None:
    """FastAPI would run a plain function in a thread, where a session is not at home."""
    tree = ast.parse((ROOT / path).read_text())
    plain = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(".get(" in text or ".post(" in text for text in (f"{ast.unparse(d)}(" for d in node.decorator_list))
    ]
    assert plain == []


@pytest.mark.parametrize(
    "fault",
    [
        "async def f(session):\n    return session.execute(1).scalars().all()",
        "async def f(session):\n    session.commit()",
        "async def f(self):\n    (self._connection.close(), 1)",
        "async def f(driver):\n    rows = driver.fetch('SELECT 1')",
    ],
)
def test_a_missing_await_is_found(fault: str) -> None:
    assert len(list(unawaited(fault))) == 1


@pytest.mark.parametrize(
    "fault",
    ["import requests", "from urllib import request", "import time\ntime.sleep(1)", "import psycopg.sql", "open('x')"],
)
def test_what_blocks_is_found(fault: str) -> None:
    assert list(blocking(fault))


def test_the_sources_are_all_there() -> None:
    assert len(SOURCES) > 30
    assert Path("fastapi_app/main.py").as_posix() in SOURCES
