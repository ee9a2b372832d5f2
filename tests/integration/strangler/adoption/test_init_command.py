"""`strangler init` in a checkout that has no project file: it looks, writes, asks before it replaces."""

import sys
from pathlib import Path

import pytest

from tests.checkouts import tool_run
from tests.example import ROOT

MANAGE = f"{sys.executable} {ROOT / 'tests' / 'second_project' / 'manage.py'}"


def test_without_a_project_it_says_what_to_name(tmp_path: Path) -> None:
    assert "there is no manage.py here: name the project's own with --manage" in tool_run(tmp_path, "init", code=2)
    refused = tool_run(tmp_path, "init", "--manage", f"{sys.executable} nowhere/manage.py", code=4)
    assert "strangler_django: there is no nowhere/manage.py" in refused
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_files_are_written_once_and_replaced_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "my shop").mkdir()
    folder = tmp_path / "my shop"
    written = tool_run(folder, "init", "--manage", MANAGE)
    assert "nginx/routes.toml is written: 5 routes at stage legacy" in written
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == [
        "nginx/routes.toml",
        "strangler.toml",
    ]
    before = (folder / "strangler.toml").read_text()
    assert 'name = "my-shop"' in before
    refused = tool_run(folder, "init", "--manage", MANAGE, "--v2", "/new", code=2)
    assert '-v2 = "/v2"\n+v2 = "/new"' in refused
    assert "pass --yes to replace it" in refused
    assert (folder / "strangler.toml").read_text() == before
    tool_run(folder, "init", "--manage", MANAGE, "--v2", "/new", "--yes")
    assert (folder / "strangler.toml").read_text() != before
    assert "products.list" in tool_run(folder, "inventory")
