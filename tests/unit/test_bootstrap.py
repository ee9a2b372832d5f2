"""The installer behind make: installs once, again after a change, afresh after an interruption."""

import importlib.util
from pathlib import Path

import pytest

from tests.example import ROOT

# It is no module of a package: it runs before anything is installed.
_spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "requirements" / "bootstrap.py")
assert _spec is not None
assert _spec.loader is not None
bootstrap = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bootstrap)


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "with space"
    (root / "requirements").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[project]\n")
    for name in ("django", "fastapi", "strangler", "guard", "native", "observability", "dev"):
        (root / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
    monkeypatch.setattr(bootstrap, "ROOT", root)
    monkeypatch.setattr(bootstrap, "VENV", root / ".venv")
    monkeypatch.setattr(bootstrap, "INTERRUPTED", root / ".venv" / "install-interrupted")
    return root


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> list[str]:
    """What a run did: "venv" and one "pip" for each call; the venv counts as usable once it was made."""
    done: list[str] = []

    def make() -> None:
        (checkout / ".venv").mkdir(exist_ok=True)
        (checkout / ".venv" / "install-interrupted").unlink(missing_ok=True)
        (checkout / ".venv" / "usable").touch()
        done.append("venv")

    def usable(**_options: bool) -> bool:
        return (checkout / ".venv" / "usable").exists() and not bootstrap.INTERRUPTED.exists()

    monkeypatch.setattr(bootstrap, "_venv_make", make)
    monkeypatch.setattr(bootstrap, "_venv_is_usable", usable)
    monkeypatch.setattr(bootstrap, "_pip", lambda *_arguments: done.append("pip"))
    return done


def test_the_second_call_installs_nothing(installs: list[str]) -> None:
    assert bootstrap.main(["run"]) == 0
    assert installs == ["venv", "pip", "pip"]
    assert bootstrap.main(["run"]) == 0
    assert installs == ["venv", "pip", "pip"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements/django.txt"])
def test_a_changed_file_is_installed_into_the_same_venv(installs: list[str], checkout: Path, changed: str) -> None:
    bootstrap.main(["run"])
    (checkout / changed).write_text("django==2\n")
    bootstrap.main(["run"])
    assert installs == ["venv", "pip", "pip", "pip", "pip"]


def test_dev_holds_what_run_needs_and_not_the_other_way_round(installs: list[str]) -> None:
    bootstrap.main(["dev"])
    bootstrap.main(["run"])
    assert installs == ["venv", "pip", "pip"]
    (bootstrap.VENV / "installed-dev").unlink()
    bootstrap.main(["run"])
    assert len(installs) == 5
    bootstrap.main(["dev"])
    assert len(installs) == 7


def test_an_interrupted_install_begins_afresh(installs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bootstrap, "_pip", interrupted)
        assert bootstrap.main(["run"]) == 130
    assert bootstrap.main(["run"]) == 0
    assert installs == ["venv", "venv", "pip", "pip"]


@pytest.mark.usefixtures("installs")
def test_a_moved_checkout_is_installed_again(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap.main(["run"])
    assert bootstrap.is_installed("run")
    moved = checkout.rename(tmp_path / "moved")
    monkeypatch.setattr(bootstrap, "ROOT", moved)
    monkeypatch.setattr(bootstrap, "VENV", moved / ".venv")
    assert not bootstrap.is_installed("run")


def test_a_python_without_ensurepip_is_one_line_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda _name: None)
    assert bootstrap.main(["run"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_is_not_writable_is_one_line(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / ".run").touch()
    assert bootstrap.main(["run"]) == 2
    assert ".run isn't writable" in capsys.readouterr().err
