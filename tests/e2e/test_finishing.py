"""docs/finishing.md, walked as it stands: the schema is taken over, changed and given back, a route is drilled."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkouts import Checkout
from tests.example import ROOT
from tests.walks import Command, Walk, commands_of

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("finishing")]

PAGE = "finishing.md"


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler finishing ") as folder:
        checkout = Checkout(Path(folder))
        with (checkout.path / ".env").open("a") as file:
            file.write("EVIDENCE_EQUAL=0\nDJANGO_WORKERS=1\nFASTAPI_WORKERS=1\nDB_POOL_MAX=5\n")
        shutil.copytree(ROOT / "tests" / "cases", checkout.path / "tests" / "cases")
        started = checkout.strangler("up", "--detach")
        assert started.returncode == 0, started.stderr
        try:
            yield Walk(checkout)
        finally:
            checkout.strangler("down")


def test_the_schema_is_taken_over_and_given_back(walk: Walk) -> None:
    walk.section(PAGE, "## Take over the schema")


def test_the_schema_is_changed_under_both_stacks_and_back(walk: Walk) -> None:
    walk.run(Command("strangler handover plan", ("strangler handover apply --plan 4182833c68 makes it so",)))
    walk.run(
        Command(
            "strangler handover apply --plan 4182833c68",
            ("applied in 1.37 s, Alembic owns the schema; alembic/ belongs into git",),
        )
    )
    text = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    (operation,) = re.findall(r"^```toml\n(\[rename_column\].*?)^```$", text, re.MULTILINE | re.DOTALL)
    folder = walk.checkout.path / "modernise"
    folder.mkdir()
    (folder / "rename_content.toml").write_text(operation)
    walk.section(PAGE, "## Change the schema under traffic")
    for stage in ("cutover", "verify", "backfill", "expand"):
        assert "taken back in" in walk.typed("strangler modernise back rename_content --yes"), stage
    walk.run(Command("strangler handover rollback --yes", ("rolled back in 2.46 s, Django owns the schema again",)))


@pytest.mark.parametrize(
    "heading",
    [
        *("### What still needs it", "### Keep what is of record"),
        *("### Drill a rollback", "### The checklist", "### The report"),
    ],
)
def test_what_is_left_and_what_it_brought_is_told(walk: Walk, heading: str) -> None:
    walk.section(PAGE, heading)


def test_the_stack_runs_without_django_and_comes_back(walk: Walk) -> None:
    *away, back = commands_of(ROOT / "docs" / PAGE, "### Run without Django, and come back")
    for command in away:
        walk.run(command)
    walk.section(PAGE, "### The commands of manage.py")
    walk.section(PAGE, "### Background work")
    walk.run(back)
