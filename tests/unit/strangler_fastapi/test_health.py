"""Ready means that every endpoint answers, not only that the database is well."""

from types import SimpleNamespace
from typing import Any

import pytest

from strangler_fastapi.errors import Unavailable
from strangler_fastapi.health import ready


class FakeDatabase:
    """A database that was found well, and endpoints that know it or don't yet."""

    def __init__(self, *, found: str | None, problem: str | None) -> None:
        self.found = found
        self.problem = problem

    async def probe(self) -> str | None:
        return self.found


def request(database: FakeDatabase) -> Any:
    return SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(database=database)))


@pytest.mark.parametrize(("found", "problem"), [(None, "not asked yet"), ("gone", None), ("gone", "not asked yet")])
async def test_a_problem_of_either_is_unready(found: str | None, problem: str | None) -> None:
    with pytest.raises(Unavailable) as caught:
        await ready(request(FakeDatabase(found=found, problem=problem)))
    assert caught.value.body == {"detail": found or problem}


async def test_without_a_problem_it_is_ready() -> None:
    assert (await ready(request(FakeDatabase(found=None, problem=None)))).status_code == 200
