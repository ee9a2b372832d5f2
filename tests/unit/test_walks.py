"""A line that a page shows is looked for as it stands, but for numbers, checksums and times."""

from pathlib import Path

import pytest

from tests.walks import Command, Walk, commands_of, plain

PAGE = """# A page

## One

```console
$ strangler plan
plan 4182833c68: 1 of 28 routes move
…
$ strangler apply 4182833c68
```

### Below

```console
$ ls
```

## Two

```console
$ pwd
```
"""


def test_commands_are_those_below_a_heading(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    shown = ("plan 4182833c68: 1 of 28 routes move", "…")
    plan, apply = Command("strangler plan", shown), Command("strangler apply 4182833c68", ())
    assert commands_of(page, "## One") == [plan, apply]
    assert commands_of(page, "### Below") == [Command("ls", ())]
    with pytest.raises(AssertionError, match=r"page\.md has no heading ## Three"):
        commands_of(page, "## Three")


def test_what_differs_from_run_to_run_is_one_thing() -> None:
    assert plain("applied in 1.37 s, digest 0a1b2c3d4e") == plain("applied in 20.1 s, digest 99887766aa")
    assert plain("NAME   3,500 rows") == plain("NAME 12 rows")
    assert plain("since 2026-11-22T04:21:32Z") == plain("since 2027-01-02T00:00:00Z")
    assert plain("1 row filled") != plain("1 row lost")


class Typed(Walk):
    """A walk that is shown what would be printed."""

    def __init__(self, printed: dict[str, str]) -> None:
        self.printed, self.checksums, self.folder = printed, {}, Path("/home/ann")

    def typed(self, text: str) -> str:
        return self.printed[text]


def test_a_checksum_is_the_one_that_was_printed() -> None:
    walk = Typed(
        {
            "plan": "rehearsing\nplan 00ff00ff00: 2 of 28 routes move\nmore",
            "apply 00ff00ff00": "done in 2 s",
            "write": "/home/ann/.run/it is written by ann@here",
        }
    )
    walk.run(Command("plan", ("plan 4182833c68: 1 of 28 routes move", "…")))
    walk.run(Command("apply 4182833c68", ("done in 1 s",)))
    walk.run(Command("write", (".run/it is written by root@vm",)))
    with pytest.raises(AssertionError, match="undone in 1 s\nis not among"):
        walk.run(Command("apply 4182833c68", ("undone in 1 s",)))
    with pytest.raises(AssertionError, match="rehearsing\nis not among"):
        walk.run(Command("plan", ("more", "rehearsing")))
