import base64
import dataclasses
import hashlib
import json
import re
import time
from html.parser import HTMLParser

import pytest

from strangler.compare.report.html import repeats, report_html
from strangler.compare.report.model import Example, RowDifference
from tests.comparison_reports import CURL, answer, example, groups, report_of, route, timing

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\""


class Tags(HTMLParser):
    """Collects the tags of a page, and those that aren't closed in order."""

    VOID = frozenset({"meta", "link", "col", "br", "img", "rect", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.opened: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.opened.pop() == tag


def tags(page: str) -> Tags:
    parser = Tags()
    parser.feed(page)
    parser.close()
    return parser


def page_of(*examples: Example) -> str:
    return report_html(report_of(route("posts.list", *groups(*examples))))


def test_nothing_that_a_server_sent_becomes_a_tag() -> None:
    evil = dataclasses.replace(
        example(answer({"a": EVIL, EVIL: 1}, vary=EVIL), answer({"a": 1}), case=EVIL),
        source=EVIL,
        caller=EVIL,
        curl=EVIL,
        curl_right=EVIL,
        rows=(RowDifference(table=EVIL, row=EVIL, column=EVIL, left=EVIL, right=None),),
    )
    report = report_of(
        dataclasses.replace(route(EVIL, *groups(evil)), left=timing(0.1), right=timing(0.1)),
        failures=((EVIL, 1),),
        skipped=((EVIL, 1),),
        declared_faults=(EVIL,),
        stopped=EVIL,
        options=((EVIL, EVIL),),
    )
    left = dataclasses.replace(report.left, name=EVIL, url=EVIL, version=EVIL)
    found = tags(report_html(dataclasses.replace(report, left=left)))
    assert found.seen.count("script") == 1
    assert "img" not in found.seen
    assert not {name for name in found.attributes if name.startswith("on")}
    assert found.opened == []


def test_what_cannot_be_seen_is_written_out() -> None:
    hidden = "\u202e\u0007\u200b\u2028\ud800\U000e0041"
    page = page_of(example(answer({"a": hidden}), answer({"a": "b"}), case=hidden))
    assert not set(hidden) & set(page)
    assert "\\u202e\\u0007\\u200b\\u2028\\ud800\\udb40\\udc41" in page
    page.encode()


@pytest.mark.parametrize("kind", ["style", "script"])
def test_the_policy_allows_the_inline_texts_and_nothing_else(kind: str) -> None:
    page = page_of(example(answer(1), answer(2)))
    (text,) = re.findall(f"<{kind}>(.*?)</{kind}>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert " style=" not in page


def test_an_example_stands_there_once() -> None:
    found = example(answer({"a": 1, "b": 1}), answer({"a": 2, "b": 2}))
    page = page_of(found)
    assert page.count('id="example-1"') == 1
    assert page.count('href="#example-1"') == 1
    assert page.count(CURL.split("'")[1].replace("&", "&amp;")) == 1


def test_many_statements_stand_out() -> None:
    few, many, none = timing(0.1, statements=2, most=3), timing(0.1, statements=2, most=11), timing(0.1)
    assert repeats(route("a", left=few, right=few)) == (False, False)
    assert repeats(route("a", left=few, right=many)) == (False, True)
    assert repeats(route("a", left=timing(0.1, statements=6, most=6), right=few)) == (True, False)
    assert repeats(route("a", left=timing(0.1, statements=5, most=5), right=few)) == (False, False)
    assert repeats(route("a", left=timing(0.1, statements=2, most=2), right=none)) == (False, False)
    assert repeats(route("a", left=timing(0.1, statements=2, most=2), right=timing(0.1, statements=0, most=0))) == (
        False,
        False,
    )
    page = report_html(report_of(route("posts.list", left=few, right=many)))
    assert "<b>posts.list</b>: 2 to 3 on django and 2 to 11 on fastapi for a request" in page


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (report_of(route("a")), "equal"),
        (report_of(route("a"), declared_faults=("one has expired",)), "not as declared"),
        (report_of(route("a"), stopped="too many errors"), "not compared"),
        (report_of(route("a", *groups(example(answer(1), answer(2))))), "different"),
        (report_of(), "equal"),
    ],
    ids=["equal", "declared", "stopped", "different", "nothing"],
)
def test_the_verdict_is_in_the_title(report: object, word: str) -> None:
    assert f"<title>{word}: django and fastapi</title>" in report_html(report)  # type: ignore[arg-type]


def test_what_else_a_reader_must_know_is_reported() -> None:
    report = report_of(
        failures=(("fastapi does not answer", 2),), skipped=(("unreadable lines", 3),), declared_faults=("d.",)
    )
    page = report_html(report)
    for text in ("fastapi does not answer", "2 times", "<b>3</b> unreadable lines", "</b> d."):
        assert text in page


def big(index: int) -> Example:
    left = {f"key {number} of {index}": "x" * 100 for number in range(100)}
    right = {**left, f"key 50 of {index}": "<" * 100}
    return example(answer(left), answer(right), case=f"case {index}")


@pytest.mark.long
def test_a_thousand_differences_make_a_page_that_is_small_and_quick() -> None:
    routes = [
        route(f"route.{number}", *(groups(big(100 * number + index))[0] for index in range(25))) for number in range(40)
    ]
    began = time.process_time()
    page = report_html(report_of(*routes))
    assert time.process_time() - began < 10
    assert len(page.encode()) < 5_000_000
    assert page.count('class="group"') == 1000
    assert "left out to keep" in page


def test_long_values_from_elsewhere_are_bounded() -> None:
    long = json.dumps({"a": "x" * 200_000})
    found = example(answer({"a": "y"}), answer({"a": "z"}), case="c" * 200_000)
    left = dataclasses.replace(found.left, body=long)
    assert len(page_of(dataclasses.replace(found, left=left))) < 100_000
