"""Django, and what does without it: each does the same to the same rows, and takes everything back."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from shared_schema.contract.deletion import ProtectedError
from tests.databases import OwnDatabase, foreign_project
from tests.example import ROOT
from tests.foreign.rows import CHECK, Rows, clearing, insertions, selection

Outcome = dict[str, Any]


class DjangoSide:
    """Django in a process of its own, with the foreign project's settings."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def play(self, **order: Any) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "Django ended: see its traceback above"
        outcome: Outcome = json.loads(answer)
        return outcome


@contextmanager
def django_side(database: OwnDatabase) -> Iterator[DjangoSide]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.foreign.playing"],
        env=dict(foreign_project(database.owner_dsn).env),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield DjangoSide(process)
        process.communicate(timeout=20)


class OurSide:
    """A session on asyncpg; `act` is what is done."""

    def __init__(self, runner: asyncio.Runner, database: OwnDatabase) -> None:
        self._runner = runner
        url = make_url(database.owner_dsn).set(drivername="postgresql+asyncpg")
        self._engine = create_async_engine(url, poolclass=NullPool)

    def play(
        self, act: Callable[[AsyncSession], Awaitable[dict[str, int]]], *, rows: Rows, tables: list[str]
    ) -> Outcome:
        return self._runner.run(self._play(act, rows, tables))

    async def _play(
        self, act: Callable[[AsyncSession], Awaitable[dict[str, int]]], rows: Rows, tables: list[str]
    ) -> Outcome:
        async with AsyncSession(self._engine) as session:
            await session.execute(text("SET LOCAL TIME ZONE 'UTC'"))
            for statement in clearing(rows).split(";"):
                await session.execute(text(statement))
            for statement, given in insertions(rows):
                await session.execute(text(statement.format(":given")), {"given": json.dumps(given)})
            try:
                counts = await act(session)
                await session.execute(text(CHECK))
            except ProtectedError as error:
                return {"outcome": type(error).__name__}
            except DBAPIError as error:
                return {"outcome": _sqlstate(error)}
            found = (await session.execute(text(selection(tables)))).scalar_one()
            return {"outcome": "done", "counts": counts, "rows": json.loads(found)}


def _sqlstate(error: DBAPIError) -> str:
    code: str = getattr(error.orig, "sqlstate", "")
    return code
