"""The system's Chromium, which tests look at pages with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing is asked of the network, not even by the browser itself.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def chromium_path() -> str:
    """Where it is; a run without it fails, since what it checks is checked nowhere else."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail("there is no Chromium: install it (Debian: apt install chromium).", pytrace=False)
    return found


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """A browser that has never been used; it keeps what it must in `home`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), headless=True, args=QUIET, env={**os.environ, "HOME": str(home)}
        )
        try:
            yield browser
        finally:
            browser.close()
