"""What evidence is bound to: a service's code, or the version that it reports, and files."""

import os
from pathlib import Path

import pytest

from strangler.local.fingerprints import COVERAGE_BAR, STALE, Fingerprints
from strangler.local.state import ProcessRecord, StackState, StateFolder
from strangler.project import Project
from strangler.routes.route import Stack
from strangler.settings import LocalSettings
from tests.example import EXAMPLE


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A service's folder with code, what it writes, and packages of others."""
    for name in ("app/main.py", "app/page.html", "requirements.txt", "app/data.json", ".run/x.py", "venv/lib/y.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "venv/pyvenv.cfg").touch()
    return tmp_path


def found(folder: Path, name: str = "fastapi", **changes: object) -> str:
    fastapi = EXAMPLE.fastapi.model_copy(update={"sources": (), "folder": "."} | changes)
    project: Project = EXAMPLE.model_copy(update={"fastapi": fastapi}).at(folder)
    return Fingerprints(LocalSettings(project=project)).of(name)


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("app/main.py", True),
        ("app/page.html", True),
        ("requirements.txt", True),
        ("app/data.json", False),
        (".run/x.py", False),
        ("venv/lib/y.py", False),
    ],
)
def test_the_code_of_a_folder(service: Path, file: str, counts: bool) -> None:
    before = found(service)
    assert before
    (service / file).write_text("2")
    assert (found(service) != before) is counts


def test_a_file_that_goes_or_gets_another_name_counts(service: Path) -> None:
    before = found(service)
    (service / "app/main.py").rename(service / "app/more.py")
    assert found(service) != before


def test_what_the_project_file_names_counts_alone(service: Path) -> None:
    named = {"sources": ("app/data.json",), "command": None}
    before = found(service, **named)
    (service / "app/main.py").write_text("2")
    assert found(service, **named) == before
    (service / "app/data.json").write_text("2")
    assert found(service, **named) != before


def test_a_service_of_which_nothing_is_said_is_unknown(service: Path) -> None:
    assert found(service, command=None, address="http://127.0.0.1:1") == ""
    assert found(service, sources=("not-there",)) == ""


def test_a_process_that_is_older_than_its_code_runs_other_code(service: Path) -> None:
    state = StateFolder(service / ".run")
    record = ProcessRecord(pid=os.getpid(), create_time=(service / "app/main.py").stat().st_mtime + 60)
    state.write(StackState(supervisor=record, services={Stack.FASTAPI: record}))
    assert found(service)
    os.utime(service / "app/main.py", (record.create_time + 60,) * 2)
    assert found(service) == STALE


def test_files_and_folders_by_their_path(service: Path) -> None:
    before = found(service, "app")
    assert found(service, "not-there") == ""
    (service / "app/data.json").write_text("2")
    assert found(service, "app") != before


def test_another_bar_of_coverage_is_another_digest(service: Path) -> None:
    def bar(coverage: float) -> str:
        compare = EXAMPLE.compare.model_copy(update={"coverage": coverage})
        project: Project = EXAMPLE.model_copy(update={"compare": compare}).at(service)
        return Fingerprints(LocalSettings(project=project)).of(COVERAGE_BAR)

    assert (bar(0), bar(80), bar(99.5)) == ("0", "80", "99.5")
