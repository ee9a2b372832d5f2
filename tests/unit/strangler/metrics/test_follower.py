"""A log that is followed: each line once, whatever happens to the file."""

import gzip
import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from strangler.local.logs import log_trim, logs_rotate
from strangler.metrics.access_log import AccessLog
from strangler.metrics.follower import AccessLogFollower, LogPosition
from tests.unit.strangler.metrics.test_access_log import line


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def read(follower: AccessLogFollower) -> list[str]:
    return [each.decode() for each in follower.lines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "nginx.log"


class History:
    """Writes numbered lines, and does to the log what happens to logs."""

    def __init__(self, log: Path, seed: int) -> None:
        self.log, self.random = log, random.Random(seed)  # noqa: S311 - repeatable, and no secret
        self.written: list[str] = []

    def write(self) -> None:
        for _ in range(self.random.randrange(40)):
            self.written.append(f"{len(self.written)} " + "x" * self.random.randrange(300))
            append(self.log, self.written[-1] + "\n")

    def rotate(self) -> None:
        logs_rotate(self.log.parent)

    def trim(self) -> None:
        if self.log.exists():
            log_trim(self.log, max_bytes=0)

    def compress(self) -> None:
        for archive in self.log.parent.glob("nginx.log.2*Z"):
            packed = archive.with_name(archive.name + ".gz")
            packed.write_bytes(gzip.compress(archive.read_bytes()))
            shutil.copystat(archive, packed)  # as gzip does
            archive.unlink()


@pytest.mark.parametrize("seed", range(40))
def test_each_line_is_given_once_whatever_happens_to_the_log(log: Path, seed: int) -> None:
    history, seen = History(log, seed), list[str]()
    follower = AccessLogFollower.at_end(log)
    for _ in range(60):
        getattr(history, history.random.choice(["write", "write", "rotate", "trim", "compress"]))()
        if history.random.random() < 0.5:
            seen += read(follower)
        if history.random.random() < 0.3:
            # A restart: all that is left is what was on the disk.
            follower = AccessLogFollower(log, LogPosition(**json.loads(json.dumps(asdict(follower.position)))))
    assert [*seen, *read(follower)] == history.written


def test_a_line_without_its_end_waits_for_it(log: Path) -> None:
    follower = AccessLogFollower.at_end(log)
    append(log, "one\ntw")
    assert read(follower) == ["one"]
    append(log, "o\n")
    assert read(follower) == ["two"]
    assert read(follower) == []


def test_a_log_that_was_emptied_without_a_copy_is_read_from_its_new_beginning(log: Path) -> None:
    append(log, "old\n" * 100)
    follower = AccessLogFollower.at_end(log)
    log.write_text("new\n")
    assert read(follower) == ["new"]


def test_a_copy_of_a_log_that_is_still_written_is_not_read(log: Path) -> None:
    follower = AccessLogFollower.at_end(log)
    append(log, "".join(f"a line {number}\n" for number in range(100)))
    assert len(read(follower)) == 100
    copy = log.with_name("nginx.log.copy")
    copy.write_bytes(log.read_bytes())
    append(log, "one more\n")
    assert read(follower) == ["one more"]
    # What logrotate's copytruncate does next.
    log.write_text("after\n")
    assert read(follower) == ["after"]


def test_what_is_no_line_of_nginx_is_counted_and_does_no_harm(log: Path) -> None:
    follower = AccessLogFollower.at_end(log)
    append(log, line() + "anything\n" + "x" * 2_500_000 + "\n" + line())
    counted = AccessLog()
    assert len([*counted.requests(follower.lines())]) == 2
    assert counted.unreadable == 4


def test_it_begins_at_a_time_also_in_an_archive(log: Path) -> None:
    append(log, "".join(line(time=f"2026-11-22T12:{n // 60:02}:{n % 60:02}+00:00", uri=f"/{n}") for n in range(3000)))
    log_trim(log, max_bytes=0)
    append(log, line(time="2026-11-22T13:00:00+00:00"))
    moment = 1795348800 + 2000.0
    found = [request.time.timestamp() for request in AccessLog().requests(AccessLogFollower.since(log, moment).lines())]
    assert found[-1] == 1795348800 + 3600
    assert moment - 400 < found[0] < moment
    assert len(found) == len({*found})


def test_a_log_that_is_not_there_yet(log: Path) -> None:
    follower = AccessLogFollower.since(log, 0)
    assert read(follower) == []
    append(log, "first\n")
    assert read(follower) == ["first"]
