"""Log files: followed line by line, bounded, kept from the run before."""

import datetime as dt
import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from strangler.errors import FailedError
from strangler.local.logs import (
    KEPT,
    LogTail,
    log_failure,
    log_names,
    log_tail,
    log_trim,
    logs_archived,
    logs_rotate,
)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_line_is_given_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    follower = LogTail(tmp_path)
    append(tmp_path / "django.log", "one\ntw")
    assert list(follower.new_lines()) == [("django", "one")]
    append(tmp_path / "django.log", "o\n")
    append(tmp_path / "nginx.log", "n\n")
    assert list(follower.new_lines()) == [("django", "two"), ("nginx", "n")]
    assert list(follower.new_lines()) == []


def test_what_is_skipped_is_not_given_again(tmp_path: Path) -> None:
    append(tmp_path / "django.log", "old\n")
    follower = LogTail(tmp_path)
    follower.skip()
    append(tmp_path / "django.log", "new\n")
    assert list(follower.new_lines("django")) == [("django", "new")]


def test_following_goes_on_after_a_trim(tmp_path: Path) -> None:
    path = tmp_path / "django.log"
    follower = LogTail(tmp_path)
    append(path, "0123456789\n")
    list(follower.new_lines())
    log_trim(path, max_bytes=5)
    append(path, "new\n")
    assert list(follower.new_lines()) == [("django", "new")]
    (archive,) = logs_archived(tmp_path, "django")
    assert archive.read_text() == "0123456789\n"


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    append(tmp_path / "django.log", "small\n")
    log_trim(tmp_path / "django.log", max_bytes=6)
    assert (tmp_path / "django.log").read_text() == "small\n"


def test_logs_are_kept_by_their_time_whatever_the_number_of_starts(tmp_path: Path) -> None:
    for number in range(5):
        append(tmp_path / "django.log", f"{number}\n")
        logs_rotate(tmp_path)
    assert log_names(tmp_path) == []
    kept = logs_archived(tmp_path, "django")
    assert [file.read_text() for file in kept] == [f"{number}\n" for number in range(5)]
    old = (dt.datetime.now(dt.UTC) - KEPT).timestamp() - 60
    os.utime(kept[0], (old, old))
    logs_rotate(tmp_path)
    assert logs_archived(tmp_path, "django") == kept[1:]


def test_the_oldest_logs_go_when_all_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strangler.local.logs._KEPT_BYTES", 8)
    for number in range(5):
        append(tmp_path / "django.log", f"{number}234\n")
        logs_rotate(tmp_path)
    assert [file.read_text() for file in logs_archived(tmp_path, "django")] == ["3234\n", "4234\n"]


def test_the_tail_survives_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x\n" * 50 + b"\xff last\n")
    assert log_tail(tmp_path / "a.log", lines=2) == ["x", "\ufffd last"]
    assert log_tail(tmp_path / "none.log", lines=2) == []


def test_a_failure_ends_with_what_the_program_said(tmp_path: Path) -> None:
    append(tmp_path / "django.log", "Traceback\nNo module named x\n")
    error = log_failure("django", "ended with code 1", tmp_path / "django.log")
    assert isinstance(error, FailedError)
    assert str(error).splitlines()[0].startswith("django ended with code 1, so everything was ended: ")
    assert str(error).splitlines()[1:] == ["  Traceback", "  No module named x"]


@pytest.mark.parametrize("name", ["django", "postgres"])
def test_names_are_those_of_the_services(name: str, tmp_path: Path) -> None:
    append(tmp_path / f"{name}.log", "")
    append(tmp_path / f"{name}.log.20261101T000000000000Z", "")
    assert log_names(tmp_path) == [name]


def test_a_full_disk_costs_the_archive_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_source: BinaryIO, target: BinaryIO) -> None:
        target.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("strangler.local.logs.shutil.copyfileobj", full)
    log = tmp_path / "django.log"
    append(log, "x" * 11)
    log_trim(log, max_bytes=10)
    assert [path.name for path in tmp_path.iterdir()] == ["django.log"]
    assert log.stat().st_size == 0
    assert "emptied without an archive (No space left on device)" in caplog.messages[0]


def test_a_log_that_somebody_removes_stops_nobody(tmp_path: Path) -> None:
    follower, log = LogTail(tmp_path), tmp_path / "django.log"
    append(log, "one\n")
    read = follower.new_lines()
    log.unlink()
    log_trim(log)
    assert list(read) == []
