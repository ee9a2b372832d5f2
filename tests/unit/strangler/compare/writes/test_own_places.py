"""Each side has folders of its own, which begin with the same files; what is written there is compared."""

from pathlib import Path

import pytest

from strangler.compare.writes.own_places import SidePlaces, places_made
from strangler.errors import UsageError
from strangler.sections import CopiesSection

SECTION = CopiesSection(files={"MEDIA_ROOT": "media"}, own={"CACHE": "{folder}", "KEY_PREFIX": "of-{unique}"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "media" / "scans").mkdir(parents=True)
    (tmp_path / "media" / "scans" / "a.txt").write_text("a")
    return tmp_path


def taken(side: SidePlaces) -> list[tuple[object, ...]]:
    return [tuple(message.content.values())[1:] for message in side.take()]


def test_both_begin_with_the_same_files_and_neither_sees_the_others(root: Path) -> None:
    with places_made(SECTION, 2, root=root, state=root / "state") as (left, right):
        folders = [Path(side.environment["MEDIA_ROOT"]) for side in (left, right)]
        assert [(folder / "scans" / "a.txt").read_text() for folder in folders] == ["a", "a"]
        assert taken(left) == taken(right) == []
        (folders[0] / "b.txt").write_text("b")
        (folders[0] / "scans" / "a.txt").unlink()
        (folders[1] / "scans" / "a.txt").write_text("another")
        assert taken(left) == [("b.txt", 1, "3e23e8160039594a"), ("scans/a.txt", None, "removed")]
        assert [(name, size) for name, size, _sum in taken(right)] == [("scans/a.txt", 7)]
        assert taken(left) == taken(right) == []
        places = [side.environment[name] for side in (left, right) for name in ("CACHE", "KEY_PREFIX")]
        assert len(set(places)) == 4
        assert [list(Path(place).iterdir()) for place in places[::2]] == [[], []]
    assert list((root / "state").iterdir()) == []
    assert (root / "media" / "scans" / "a.txt").read_text() == "a"


def test_a_folder_that_is_not_there_is_refused(root: Path) -> None:
    section = CopiesSection(files={"MEDIA_ROOT": "medai"})
    with (
        pytest.raises(UsageError, match=r"medai is no folder, .*correct MEDIA_ROOT under \[compare.copies.files\]"),
        places_made(section, 2, root=root, state=root / "state"),
    ):
        pass


def test_a_link_that_leads_nowhere_is_left_out(root: Path) -> None:
    (root / "media" / "lost.txt").symlink_to(root / "gone.txt")
    with places_made(SECTION, 1, root=root, state=root / "state") as (side,):
        assert [path.name for path in Path(side.environment["MEDIA_ROOT"]).iterdir()] == ["scans"]


def test_a_file_that_cannot_be_copied_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_paths: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.copytree.__defaults__", (False, None, refuse, False, False))
    with (
        pytest.raises(UsageError, match=r"media/scans/a.txt can't be copied for each side \(.*Permission denied"),
        places_made(SECTION, 1, root=root, state=root / "state"),
    ):
        pass
