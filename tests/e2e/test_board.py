"""The board in a real Chromium, before real stacks: what was moved elsewhere appears, and operators move from it."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from strangler.local.ports import port_free_pick
from tests.browsers import chromium
from tests.faulty_fastapi import PATH, ROUTE, Front, front_up
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

LINK_SECONDS = 120
# No other than those that are ramped: what a shadow has found stands.
DIFFERING = "feed.highlights"


class Operator:
    """Who moves routes, and looks at boards of a gateway."""

    def __init__(self, front: Front, *, board_port: int) -> None:
        self.front = front
        self.fastapi = front.fastapi
        self.door = front.door
        self.board_port = board_port

    def run(self, *words: str, code: int = 0) -> str:
        return self.front.run(*words, code=code)

    def request(self, path: str) -> None:
        httpx.get(f"{self.door}{path}", trust_env=False).raise_for_status()

    @contextmanager
    def board(self, *options: str) -> Iterator[str]:
        """A board that listens; gives the address that it has printed."""
        with self.front.begin("board", "--port", str(self.board_port), *options) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().split()[0]
            finally:
                process.terminate()
        assert process.returncode == 0


@pytest.fixture(scope="module")
def operator(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    port = port_free_pick()
    steps, board = {"steps": "50,100", "hold": "10m"}, {"moves": True, "port": port}
    with front_up(tmp_path_factory.mktemp("board"), stack, ramp=steps, board=board) as front:
        yield Operator(front, board_port=port)


def require_accessible(page: Page) -> None:
    """Whether axe finds nothing that a screen reader, a keyboard or weak eyes can't use."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def row(page: Page, route: str = ROUTE) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=re.compile(f"^{route} ")))


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
        require_accessible(page)
        assert context.cookies() == []
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith(address)} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (375, 800)])
def test_the_page_and_its_form_are_accessible_by_day_and_by_night(
    operator: Operator, tmp_path: Path, scheme: Any, width: int, height: int
) -> None:
    with operator.board("--token") as address, chromium(tmp_path) as browser:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#state")).to_have_text("live,")
        require_accessible(page)
        row(page).get_by_role("link", name=f"Move {ROUTE}…").click()
        expect(page.get_by_label("Reason")).to_be_visible()
        require_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        context.close()


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


def test_what_the_shadow_finds_is_a_link_away(operator: Operator, tmp_path: Path) -> None:
    operator.run("switch", DIFFERING, "--shadow", "100", "--yes")
    operator.fastapi.wrong = True
    try:
        with operator.board() as address, chromium(tmp_path) as browser:
            page = browser.new_page()
            page.goto(address)
            link = row(page, DIFFERING).get_by_role("link", name=f"Differences of {DIFFERING}")
            # The board reads what the shadow has counted each half minute.
            until = time.monotonic() + LINK_SECONDS
            while link.count() == 0:
                assert time.monotonic() < until
                operator.request("/api/feed/highlights/")
                page.wait_for_timeout(500)
            link.click()
            expect(page.get_by_role("heading", level=1)).to_have_text(f"Differences of {DIFFERING}")
            expect(page.get_by_role("row").nth(1)).to_contain_text("GET /feed/highlights/")
            require_accessible(page)
            page.get_by_role("link", name="strangler board").click()
            expect(row(page, DIFFERING)).to_be_visible()
    finally:
        operator.fastapi.wrong = False
        operator.run("switch", DIFFERING, "--shadow", "0", "--yes")


def planned(page: Page, choice: str, *, reason: str, percent: str = "") -> None:
    """Choose what is to become of the route, and have the plan shown."""
    row(page).get_by_role("link", name=f"Move {ROUTE}…").click()
    page.get_by_label("To", exact=True).select_option(choice)
    if percent:
        page.get_by_label("Callers in %").fill(percent)
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Show the plan").click()


def confirmed(page: Page, name: str, *, reason: str) -> None:
    """Choose what concerns no single route, and confirm it."""
    page.get_by_role("link", name=f"{name}…").click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Show the plan").click()
    page.get_by_role("button", name="Apply").click()


def test_an_operator_moves_and_ramps_a_route_and_sees_the_ramp_roll_back(operator: Operator, tmp_path: Path) -> None:
    """Through the front door, signed in; each move with its plan, a confirmation and a reason, in the one history."""
    operator.run("switch", ROUTE, "--to", "parallel", "--yes")
    with operator.board("--token") as address, chromium(tmp_path) as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.goto(f"{operator.door}/_strangler/?{address.partition('?')[2]}")
        expect(page.locator("#state")).to_have_text("live,")
        planned(page, "canary", percent="40", reason="<i>by hand</i>")
        expect(page.locator(".plan")).to_contain_text(f"{ROUTE}  parallel → canary 40%")
        expect(row(page)).to_have_count(0)
        require_accessible(page)
        page.get_by_role("button", name="Apply").click()
        expect(row(page)).to_contain_text("canary 40%")
        expect(page.locator("#history")).to_contain_text("<i>by hand</i>")
        planned(page, "back", reason="enough")
        page.get_by_role("button", name="Apply").click()
        expect(row(page)).to_contain_text("parallel")
        with operator.front.load():
            planned(page, "ramp", reason="release 42")
            expect(page.locator(".plan")).to_contain_text("steps 50%, 100%, 600 s each at least")
            page.get_by_role("button", name="Apply").click()
            expect(page.locator("#ramp")).to_contain_text("watching")
            expect(row(page)).to_contain_text("canary 50%")
            confirmed(page, "Pause the ramp", reason="lunch")
            expect(page.locator("#ramp")).to_contain_text("watching, paused")
            confirmed(page, "Go on with the ramp", reason="back again")
            expect(page.locator("#ramp")).not_to_contain_text("paused")
            require_accessible(page)
            operator.fastapi.failing = True
            expect(page.locator("#ramp")).to_contain_text("returned")
            expect(page.locator("#ramp")).to_contain_text("more than 5 points above")
            expect(row(page)).to_contain_text("parallel")
        operator.fastapi.failing = False
    events = operator.run("ramp", "log")
    assert re.search(r"pause +tags.list, by \S+: lunch", events)
    assert re.search(r"resume +tags.list, by \S+: back again", events)
    said = operator.run("history")
    assert "switch tags.list --to canary --percent 40" in said or "<i>by hand</i>" in said
    assert f"ramp: {ROUTE} 5xx" in said


def test_an_operator_ends_a_ramp_and_gives_everything_to_django(operator: Operator, tmp_path: Path) -> None:
    operator.run("switch", ROUTE, "--to", "parallel", "--yes")
    with operator.board("--token") as address, chromium(tmp_path) as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.goto(address)
        planned(page, "ramp", reason="release 43")
        page.get_by_role("button", name="Apply").click()
        expect(page.locator("#ramp")).to_contain_text("watching")
        confirmed(page, "End the ramp", reason="not today")
        expect(page.locator("#ramp")).to_contain_text("returned")
        expect(row(page)).to_contain_text("parallel")
        confirmed(page, "Everything to Django", reason="a drill")
        expect(row(page)).to_contain_text("legacy")
    assert "not today" in operator.run("ramp", "log")
    operator.run("rollback", "--yes", "--force", "--reason", "the drill is over")


def test_a_page_elsewhere_moves_nothing_and_no_board_without_a_sign_in_does(operator: Operator) -> None:
    form = {"route": ROUTE, "to": "legacy", "reason": "attack", "checksum": "0"}
    with operator.board("--token") as address, httpx.Client(trust_env=False) as client:
        plain, _, query = address.partition("?")
        assert client.get(f"{plain}move?route={ROUTE}").status_code == 401
        client.get(address)
        shown = client.get(f"{plain}move", params=form)
        [token] = re.findall(r'name="form" value="(\w{64})"', shown.text)
        [checksum] = re.findall(r'name="checksum" value="(\w+)"', shown.text)
        assert shown.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]
        good = form | {"form": token, "checksum": checksum}
        bearer = {"Authorization": f"Bearer {query.partition('=')[2]}"}
        assert httpx.post(f"{plain}apply", data=good, headers=bearer).status_code == 403
        assert client.post(f"{plain}apply", data=form).status_code == 403
        assert client.post(f"{plain}apply", data=good, headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.post(f"{plain}apply", data=good, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
        stale = client.post(f"{plain}apply", data=good | {"checksum": "0000000000"})
        assert (stale.status_code, "is stale" in stale.text) == (409, True)
        assert client.post(f"{plain}apply", data=good | {"reason": " "}).status_code == 409
        assert client.get(f"{operator.door}/_strangler/", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403
    with operator.board() as address:
        assert httpx.get(f"{address}move?route={ROUTE}", trust_env=False).status_code == 404
        assert httpx.post(f"{address}apply", data=good, trust_env=False).status_code in {404, 405}
    assert "legacy" not in operator.run("routes", ROUTE, "--json")
