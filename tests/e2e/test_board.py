"""The board in a real Chromium, before real stacks: a move made elsewhere appears by itself."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import tomlkit
from playwright.sync_api import Page, expect

from strangler.local.ports import port_free_pick
from tests.browsers import chromium
from tests.checkouts import ENVIRONMENT, tool_run
from tests.example import EXAMPLE, ROOT, example_file
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

ROUTE, PATH = "tags.list", "/api/tags/"


class Operator:
    """A gateway of the test's own before the run's stacks, and the boards that look at it."""

    def __init__(self, folder: Path, stack: StackAddresses) -> None:
        self.folder = folder
        self.environment = {
            "PROXY_PORT": str(port_free_pick()),
            "EVIDENCE_EQUAL": "0",
            "DATABASE_URL": stack.owner_dsn,
            "FASTAPI_DATABASE_URL": stack.fastapi_dsn,
        }

    def run(self, *words: str, code: int = 0) -> str:
        return tool_run(self.folder, *words, code=code, **self.environment)

    def request(self, path: str) -> None:
        httpx.get(f"http://127.0.0.1:{self.environment['PROXY_PORT']}{path}", trust_env=False).raise_for_status()

    @contextmanager
    def board(self, *options: str) -> Iterator[str]:
        """A board that listens; gives the address that it has printed."""
        words = ("board", "--port", str(port_free_pick()), *options)
        with subprocess.Popen(  # noqa: S603 - the tool itself
            [sys.executable, "-m", "strangler.cli", *words],
            cwd=self.folder,
            env={**ENVIRONMENT, "PYTHONPATH": str(ROOT), **self.environment},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().split()[0]
            finally:
                process.terminate()
        assert process.returncode == 0


@pytest.fixture(scope="module")
def operator(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("board")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # nginx's workers have an account of their own
    shutil.copy(EXAMPLE.routes, folder / "routes.toml")
    file = example_file(folder, routes=Path("routes.toml"))
    document: Any = tomlkit.parse(file.read_text())
    for name, url in (("django", stack.django_url), ("fastapi", stack.fastapi_url)):
        for key in ("command", "environment"):
            del document[name][key]
        document[name]["address"] = url
    file.write_text(tomlkit.dumps(document))
    made = Operator(folder, stack)
    try:
        made.run("up", "--detach")
        yield made
    finally:
        made.run("down")


def row(page: Page) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=re.compile(f"^{ROUTE} ")))


def test_a_move_made_elsewhere_appears_without_a_reload(operator: Operator, tmp_path: Path) -> None:
    said: list[str] = []
    asked: list[str] = []
    operator.request(PATH)
    with operator.board() as address, chromium(tmp_path) as browser:
        context = browser.new_context(viewport={"width": 375, "height": 800}, color_scheme="dark")
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        expect(page.locator("#state")).to_have_text("live,")
        expect(page.locator(".schema")).to_contain_text("The database is as the contract and FastAPI want it.")
        expect(row(page)).to_contain_text("parallel")
        expect(row(page).get_by_role("img", name=re.compile("^requests a second"))).to_be_visible()
        # A page that was loaded anew would have forgotten both.
        page.evaluate("window.kept = true")
        copy = page.get_by_role("button", name=f"Copy strangler ramp {ROUTE}")
        copy.focus()
        for _ in range(3):
            operator.request("/api/v2/tags/")
        expect(row(page)).to_contain_text("fastapi 0%", timeout=10_000)
        expect(copy).to_be_focused()
        operator.run("switch", ROUTE, "--to", "canary", "--percent", "40", "--yes", "--reason", "<b>why</b>")
        expect(row(page)).to_contain_text("canary 40%", timeout=10_000)
        expect(page.locator("#latest")).to_contain_text(f"{ROUTE} parallel → canary 40%")
        expect(page.locator("#history")).to_contain_text("<b>why</b>")
        expect(row(page).get_by_role("button", name=f"Copy strangler switch {ROUTE} --to migrated")).to_be_visible()
        assert page.evaluate("window.kept")
        # Cards on a phone, and a table for a screen reader all the same.
        table = page.get_by_role("table", name="Routes")
        assert table.get_by_role("columnheader").count() == row(page).get_by_role("cell").count() + 1 == 9
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        levels = [
            int(name[1]) for name in page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => h.tagName)")
        ]
        assert levels == [1, 2, 2, 2, 2]
        assert context.cookies() == []
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith(address)} == set()


def test_a_board_with_a_token_is_read_with_it_alone(operator: Operator) -> None:
    with operator.board("--token") as address, httpx.Client(trust_env=False) as client:
        plain = address.partition("?")[0]
        first = client.get(plain)
        assert (first.status_code, first.headers["X-Content-Type-Options"]) == (401, "nosniff")
        assert client.get(f"{plain}events").status_code == 401
        exchanged = client.get(address, follow_redirects=True)
        assert (exchanged.status_code, str(exchanged.url)) == (200, plain)
        assert "default-src 'none'" in exchanged.headers["Content-Security-Policy"]
        assert client.post(plain).status_code == 405
