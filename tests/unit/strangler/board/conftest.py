"""A board of a project where next to nothing can be read."""

from pathlib import Path
from typing import Any

import pytest

from strangler.board.board import Board, SchemaHealth
from strangler.board.traffic import TrafficReader
from strangler.errors import FailedError, UsageError
from strangler.ramp.store import RampFolder


class EmptyRollout:
    """A project whose gateway was never started, and whose files can't be read."""

    class Folder:
        def __init__(self, path: Path) -> None:
            self.path = path

        def interrupted(self) -> None:
            raise FailedError("the folder isn't readable", "run as another user")

    class Gateway:
        url = "http://127.0.0.1:9"

    class Proof:
        equal = 5

    gateway = Gateway()
    proof = Proof()

    def __init__(self, path: Path) -> None:
        self.folder = self.Folder(path)

    def entries(self) -> tuple[()]:
        return ()

    def running(self) -> Any:
        raise UsageError("nothing was applied yet", "start it")

    def file_content(self) -> bytes:
        raise UsageError("routes.toml is missing", "write it")

    def parse(self, _content: bytes) -> Any:
        raise AssertionError("there is nothing to parse")

    def evidence(self, _names: Any) -> Any:
        raise PermissionError(13, "Permission denied", "/evidence.jsonl")


def unreached() -> SchemaHealth:
    raise AssertionError("reaching the database makes secrets, before the first start")


def unread(_route: str) -> Any:
    raise FailedError("the results can't be read", "look at the worker")


@pytest.fixture
def empty_board(tmp_path: Path) -> Board:
    rollout: Any = EmptyRollout(tmp_path)
    return Board(
        name="shop",
        rollout=lambda: rollout,
        schema=unreached,
        ramps=RampFolder(tmp_path / "ramp"),
        shadow=unread,
        traffic=TrafficReader(tmp_path / "nginx.log", minutes=5),
        minutes=5,
    )
