"""Log files: followed line by line, bounded, kept from the run before."""

from pathlib import Path

import pytest

from strangler.errors import FailedError
from strangler.local.logs import LogFollower, log_failure, log_names, log_tail, log_trim, logs_rotate


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_line_is_given_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    follower = LogFollower(tmp_path)
    append(tmp_path / "django.log", "one\ntw")
    assert list(follower.new_lines()) == [("django", "one")]
    append(tmp_path / "django.log", "o\n")
    append(tmp_path / "nginx.log", "n\n")
    assert list(follower.new_lines()) == [("django", "two"), ("nginx", "n")]
    assert list(follower.new_lines()) == []


def test_what_is_skipped_is_not_given_again(tmp_path: Path) -> None:
    append(tmp_path / "django.log", "old\n")
    follower = LogFollower(tmp_path)
    follower.skip()
    append(tmp_path / "django.log", "new\n")
    assert list(follower.new_lines("django")) == [("django", "new")]


def test_following_goes_on_after_a_trim(tmp_path: Path) -> None:
    path = tmp_path / "django.log"
    follower = LogFollower(tmp_path)
    append(path, "0123456789\n")
    list(follower.new_lines())
    log_trim(path, max_bytes=5)
    append(path, "new\n")
    assert list(follower.new_lines()) == [("django", "new")]
    assert (tmp_path / "django.log.1").read_text() == "0123456789\n"


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    append(tmp_path / "django.log", "small\n")
    log_trim(tmp_path / "django.log", max_bytes=6)
    assert (tmp_path / "django.log").read_text() == "small\n"


def test_a_new_run_keeps_one_run_before(tmp_path: Path) -> None:
    append(tmp_path / "django.log", "first\n")
    logs_rotate(tmp_path)
    append(tmp_path / "django.log", "second\n")
    logs_rotate(tmp_path)
    assert log_names(tmp_path) == []
    assert (tmp_path / "django.log.1").read_text() == "second\n"


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
    append(tmp_path / f"{name}.log.1", "")
    assert log_names(tmp_path) == [name]
