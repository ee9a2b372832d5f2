from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.comparison_runs import Compare
from tests.shadows import Reply, TinyStack


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    return Compare(tmp_path)


@pytest.fixture
def stacks() -> Iterator[tuple[TinyStack, TinyStack]]:
    pair = (TinyStack(lambda _request: Reply()), TinyStack(lambda _request: Reply()))
    yield pair
    for stack in pair:
        stack.stop()
