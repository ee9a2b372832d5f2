"""The folder of a release: which can be deployed, and how the service's folder is pointed to it."""

from pathlib import Path

import pytest

from strangler.deployment.releases import release_folder, release_point
from strangler.errors import FailedError, UsageError
from strangler.project import Project
from strangler.routes.route import Stack
from tests.example import EXAMPLE


def project_at(root: Path, folder: str) -> Project:
    fastapi = EXAMPLE.fastapi.model_copy(update={"folder": folder})
    return EXAMPLE.model_copy(update={"fastapi": fastapi}).at(root)


@pytest.mark.parametrize(
    ("folder", "release", "words"),
    [
        ("current", "nowhere", "there is no folder nowhere"),
        ("app", "release-2", "the folder of fastapi (app) is no link"),
        ("app", "release-2", "mv app release-1; ln -s release-1 app"),
        (".", "release-2", 'give [fastapi] of strangler.toml a folder = "current"'),
    ],
)
def test_what_can_not_be_a_release_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, release: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for made in ("app", "release-1", "release-2"):
        (tmp_path / made).mkdir()
    (tmp_path / "current").symlink_to("release-1")
    with pytest.raises(UsageError) as refused:
        release_folder(project_at(tmp_path, folder), Stack.FASTAPI, Path(release))
    assert words in str(refused.value)


def test_a_root_that_is_a_link_is_no_folder_of_releases(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to("real")
    with pytest.raises(UsageError):
        release_folder(project_at(tmp_path / "root", "."), Stack.FASTAPI, tmp_path)


@pytest.mark.parametrize(("where", "target"), [("release-2", "release-2"), ("far/off", "far/off")])
def test_a_release_beside_it_is_linked_relatively(tmp_path: Path, where: str, target: str) -> None:
    release, link = tmp_path / where, tmp_path / "current"
    release.mkdir(parents=True)
    link.symlink_to("release-1")
    assert release_point(link, release) == f"current points to {target}; it pointed to release-1"
    assert str(link.readlink()) == target
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({"current", Path(where).parts[0]})


def test_a_release_elsewhere_is_linked_whole(tmp_path: Path) -> None:
    home, release = tmp_path / "home", tmp_path / "release"
    home.mkdir()
    release.mkdir()
    (home / "current").symlink_to("old")
    release_point(home / "current", release)
    assert (home / "current").readlink() == release


def test_a_link_that_can_not_be_replaced_stays(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    with pytest.raises(FailedError) as failed:
        release_point(tmp_path / "current", tmp_path / "release")
    assert "current can't be pointed to release" in str(failed.value)
    assert [path.name for path in tmp_path.iterdir()] == ["current"]
