"""`strangler dev`: a change of FastAPI's code is saved, and what it breaks is on the screen."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkouts import ENVIRONMENT, Checkout

pytestmark = pytest.mark.long

SECONDS = 240
CASES = """
[[case]]
name = "tags by name"
get = "/tags/"

[[case]]
name = "the feed"
get = "/feed/"
"""


class Screen:
    """`strangler dev`, and what it has printed so far."""

    def __init__(self, checkout: Checkout) -> None:
        self.file = checkout.path / "screen.txt"
        with self.file.open("wb") as screen:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "strangler.cli", "dev"],
                cwd=checkout.path,
                env=ENVIRONMENT,
                stdout=screen,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, text: str, *, times: int = 1) -> str:
        deadline = time.monotonic() + SECONDS
        while (shown := self.file.read_text()).count(text) < times:
            assert self.process.poll() is None, shown
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
        return shown


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler-dev-") as folder:
        checkout = Checkout(Path(folder))
        cases = Path(folder, "tests", "cases")
        cases.mkdir(parents=True)
        (cases / "some.toml").write_text(CASES)
        supervisor = checkout.up()
        try:
            yield checkout
        finally:
            supervisor.terminate()
            supervisor.communicate(timeout=60)


def test_a_saved_change_shows_what_it_breaks_and_its_end_shows_that_nothing_is(checkout: Checkout) -> None:
    screen = Screen(checkout)
    try:
        screen.wait_for("waiting for a change")
        source = checkout.path / "fastapi_app" / "tags" / "serializers.py"
        before = source.read_text()
        assert before.count('ordering=("name",)') == 1
        source.write_text(before.replace('ordering=("name",)', 'ordering=("-name",)'))
        shown = screen.wait_for("after the change was seen")
        assert "fastapi_app/tags/serializers.py" in shown
        assert "tags.list: item_order at $.results" in shown
        # The feed is no part of the feature.
        assert "different: 1 of 1 case of 1 route" in shown

        source.write_text(before + "def (\n")
        assert "SyntaxError" in screen.wait_for("strangler: fastapi ended with code 1")

        source.write_text(before)
        shown = screen.wait_for("after the change was seen", times=2)
        assert "equal: 1 case of 1 route" in shown.rpartition("SyntaxError")[2]
    finally:
        screen.process.send_signal(signal.SIGINT)
        assert screen.process.wait(60) == 0, screen.file.read_text()
