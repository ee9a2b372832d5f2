"""The page of a comparison in a real Chromium."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from strangler.compare.report.html import report_html
from strangler.compare.report.model import ComparisonReport, RowDifference
from strangler.settings import base_environment
from tests.browsers import chromium
from tests.comparison_reports import CURL, answer, example, groups, report_of, route, timing
from tests.example import ROOT
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

Open = Callable[..., Page]

SECRET = "a-secret-of-somebody"
EVIL = "</td></script><script>window.ran=1</script><img src=x onerror='window.ran=1'><svg onload='window.ran=1'>"
CONTRASTS = """() => {
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    const luminance = (color) => channels(color).slice(0, 3).map((each) => each / 255)
        .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const color = getComputedStyle(each).backgroundColor;
            if (channels(color)[3] !== 0) return color;
        }
    };
    const ratio = (element) => {
        const [low, high] = [getComputedStyle(element)[element.ownerSVGElement ? "fill" : "color"], behind(element)]
            .map(luminance).sort((one, other) => one - other);
        return (high + 0.05) / (low + 0.05);
    };
    const texts = [...document.querySelectorAll("body *:not(script):not(title)")].filter((element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    return texts.map((element) => [element.outerHTML.slice(0, 80), ratio(element)]);
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def look(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a report; at the end it must have said nothing on the console, and asked for nothing."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def opened(report: ComparisonReport, *, limit: int = 1_000_000, **options: Any) -> Page:
        file = tmp_path / "page of 100% #1.html"
        assert file.write_bytes(report_html(report).encode()) < limit
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(5000)
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith("file:///") or "page%20of" not in url} == set()
    assert len(asked) == len(contexts)


def posts(base: str = "/api") -> dict[str, Any]:
    results = [
        {"id": index, "url": f"http://host{base}/posts/{index}/", "title": f"Post {index}", "access_token": SECRET}
        for index in range(1, 9)
    ]
    return {"count": 8, "next": f"http://host{base}/posts/?page=2", "results": results}


def report() -> ComparisonReport:
    left, right = posts(), posts("/api/v2")
    right["results"][2]["title"] = "Post 4"
    del right["results"][5]["url"]
    right["results"][6]["access_token"] = f"{SECRET}-other"
    found = example(answer(left, vary="Accept, Cookie"), answer(right, base="/api/v2", vary="Accept"))
    row = RowDifference(table="blog_post", row="blog_post: id 12", column="title", left='"a"', right=None)
    written = example(answer({"id": 12}), answer({"id": 12}), case="a new post", rows=[row])
    evil = example(answer({"title": EVIL}), answer({"title": "x"}, status=404, x_evil=EVIL), case=EVIL)
    fast = timing(*[0.004] * 20, 0.009, statements=12, most=14)
    slow = timing(*[0.012] * 20, 0.1, statements=2, most=3)
    return report_of(
        route("posts.create", *groups(written), left=slow, right=slow),
        route("posts.list", *groups(found), left=slow, right=fast),
        route("evil", *groups(evil)),
        route("tags.list", left=fast, right=fast),
        failures=((f"no answer to {EVIL}", 2),),
        skipped=(("unreadable lines", 3),),
    )


def group(page: Page, pattern: str) -> Any:
    return page.locator("details.group").filter(has=page.locator("summary code", has_text=pattern)).first


def test_routes_and_their_differences_are_reported(look: Open) -> None:
    page = look(report())
    expect(page).to_have_title("different: django and fastapi")
    expect(page.locator("h1")).to_contain_text("django and fastapi")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="posts.list"))
    expect(row.first).to_contain_text("2.97 times faster")
    expect(row.first.locator(".repeats")).to_have_text("12 to 14 (stands out)")
    expect(page.locator("#skipped")).to_contain_text("3 unreadable lines")
    assert page.locator("figure svg rect.left").count() > 1


def test_a_group_opens_by_mouse_and_by_keyboard(look: Open) -> None:
    page = look(report())
    found = group(page, "$.results[*].title")
    expect(found.locator("table.places").first).to_be_hidden()
    found.locator("summary").first.click()
    expect(found.locator("table.places").first).to_be_visible()
    found.locator("summary").first.press("Enter")
    expect(found.locator("table.places").first).to_be_hidden()
    page.get_by_role("button", name="Open all").press("Enter")
    assert page.locator("details.group:not([open])").count() == 0


def test_what_differs_is_marked_where_it_is(look: Open) -> None:
    page = look(report())
    page.get_by_role("button", name="Open all").click()
    title = page.locator('tr[data-place="$.results[2].title"]')
    assert title.locator("td.l").all_inner_texts() == ['      "title": "Post 3",', '      "title": "Post 4",']
    assert title.locator("td:nth-child(2) mark.left").all_inner_texts() == ["3"]
    assert title.locator("td:nth-child(4) mark.right").all_inner_texts() == ["4"]
    missing = page.locator('tr[data-place="$.results[5].url"]')
    assert missing.locator("mark.left").all_inner_texts() == ['"url": "http://host/api/posts/6/"']
    assert missing.locator("td.none").count() == 2
    masked = page.locator('tr[data-place="$.results[6].access_token"]')
    assert masked.locator("mark").all_inner_texts() == ['"***"', '"***"']
    assert page.locator("#route-2 .diff tr.d").count() == 3


def test_headers_and_rows_that_differ_stand_in_tables(look: Open) -> None:
    page = look(report())
    page.get_by_role("button", name="Open all").click()
    vary = group(page, "header vary").get_by_role("row").filter(has_text="header vary").first
    assert vary.locator("td").all_inner_texts() == ['"Accept, Cookie"', '"Accept"']
    rows = group(page, "blog_post.title").locator("table.rows tbody tr")
    assert rows.locator("th, td").all_inner_texts() == ["blog_post: id 12", "title", '"a"', "nothing"]


def test_the_command_is_copied(look: Open) -> None:
    page = look(report(), permissions=["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy").first
    button.click()
    expect(page.locator("#said")).to_have_text("The command is copied")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == CURL


def test_the_command_is_selected_where_the_clipboard_is_refused(look: Open) -> None:
    page = look(report())
    page.evaluate("""() => {
        navigator.clipboard.writeText = () => Promise.reject(new Error("refused"));
        document.execCommand = () => false;
    }""")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("#said")).to_contain_text("copy it with the keyboard")
    assert page.evaluate("getSelection().toString()") == CURL


def test_nothing_that_a_server_sent_runs(look: Open) -> None:
    page = look(report())
    page.get_by_role("button", name="Open all").click()
    expect(page.locator("#route-3 .diff").first).to_contain_text("onerror='window.ran=1'")
    assert page.evaluate("window.ran") is None
    assert page.locator("img, iframe, object, [onerror], [onload]").count() == 0


def test_the_policy_stops_what_is_not_of_the_page(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(report_html(report_of()).replace("</main>", f"{EVIL}<style>body {{ color: red }}</style></main>"))
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.locator("img").count() == 1
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    page.close()


def test_secrets_stay_masked(look: Open) -> None:
    page = look(report())
    assert SECRET not in page.content()
    assert "***" in page.content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_light_and_dark(look: Open, scheme: str) -> None:
    page = look(report(), color_scheme=scheme)
    page.get_by_role("button", name="Open all").click()
    red = int(re.findall(r"\d+", page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))[0])
    assert (red < 60) == (scheme == "dark")
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    # WCAG 2.2, 1.4.3.
    assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []


def test_routes_are_sorted_by_any_column(look: Open) -> None:
    page = look(report())
    names = page.locator("table.sortable tbody th")
    page.get_by_role("button", name="p50 django").click()
    assert page.locator("[aria-sort=descending]").inner_text().startswith("p50 django")
    assert names.all_inner_texts()[-1] == "evil"
    page.get_by_role("button", name="route", exact=True).press("Enter")
    assert names.all_inner_texts() == ["evil", "posts.create", "posts.list", "tags.list"]
    ordered = names.all_inner_texts()
    for order in (ordered[::-1], ordered):
        page.get_by_role("button", name="route", exact=True).press("Enter")
        assert names.all_inner_texts() == order


def test_a_link_opens_what_it_leads_to(look: Open) -> None:
    page = look(report())
    found = group(page, "$.results[*].title")
    found.locator("summary").first.click()
    page.get_by_role("button", name="Close all").click()
    found.locator("summary").first.click()
    link = found.get_by_role("link", name=re.compile("^example"))
    link.click()
    expect(page.locator(str(link.get_attribute("href")))).to_be_visible()


def test_paper_shows_all_groups_on_white(look: Open) -> None:
    page = look(report(), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert [text for text, ratio in page.evaluate(CONTRASTS) if ratio < 4.5] == []
    expect(page.get_by_role("columnheader", name="different")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.group:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.group[open]").count() == 1


def test_it_is_read_without_scripts(look: Open) -> None:
    page = look(report(), java_script_enabled=False)
    found = group(page, "$.results[*].title")
    found.locator("summary").first.click()
    expect(found.locator("table.places").first).to_be_visible()
    assert page.get_by_role("button").count() == 0


def test_a_narrow_screen_does_not_scroll_sideways(look: Open) -> None:
    page = look(report(), viewport={"width": 390, "height": 800})
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_thousand_differences_are_there_at_once(look: Open) -> None:
    left = {f"key {number}": "x" * 100 for number in range(90)}

    def differing(name: str) -> Any:
        return groups(example(answer({**left, name: "a"}), answer({**left, name: "b"}), case=name))[0]

    found = report_of(*(route(f"r{one}", *(differing(f"{one}-{two}") for two in range(25))) for one in range(40)))
    page = look(found, limit=5_000_000)
    assert page.locator("details.group").count() == 1000
    timed = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('navigation')[0])"))
    assert timed["loadEventEnd"] < 3000
    page.locator("details.group > summary").last.click()
    expect(page.locator("details.group").last.locator("table.places")).to_be_visible()


@pytest.mark.parametrize("size", [0, 1])
def test_a_report_of_next_to_nothing_is_a_page_too(look: Open, size: int) -> None:
    page = look(report_of(*[dataclasses.replace(route("a"), equal=0, asked=0)] * size))
    expect(page.locator("#differences")).to_contain_text("None that isn't declared.")


def test_the_command_writes_the_page(browser: Browser, stack: StackAddresses, tmp_path: Path) -> None:
    (tmp_path / "cases.toml").write_text('[[case]]\nname = "two of them"\nget = "/?page_size=2"\n')
    # What two lists hold is another thing, on a stack without a fault.
    sides = [f"{stack.proxy_url}/api/{name}" for name in ("tags", "posts")]
    file = tmp_path / "page.html"
    ended = subprocess.run(  # noqa: S603 - the command under test
        [sys.executable, "-m", "strangler.cli", "compare", *sides, "--cases", str(tmp_path), "--html", str(file)],
        env=base_environment() | {"PYTHONPATH": str(ROOT), "STRANGLER_PASSWORD": "demo"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert file.is_file(), ended.stderr
    page = browser.new_page()
    page.goto(file.as_uri())
    expect(page).to_have_title("different: left and right")
    expect(page.locator("article.example h4").first).to_have_text("two of them")
    assert page.locator("tr.d mark").count() > 0
    page.close()
