"""Messages of both sides, compared as the rows of a step are."""

import datetime as dt
from typing import Any

import pytest

from strangler.compare.differ import Links
from strangler.compare.redaction import Masker
from strangler.compare.report.model import RowDifference
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, IdMapping, NewRow
from strangler.compare.writes.messages import MessageComparison
from strangler.compare.writes.sinks import SentMessage
from strangler.compare.writes.tables import Table

LINKS = Links("http://localhost/api", "http://localhost/api/v2")
POSTS = Table(schema="public", name="posts", columns=(), key=("id",), partitioned=False)


@pytest.fixture
def mapping() -> IdMapping:
    made = IdMapping(Clock(dt.datetime.now(dt.UTC)))
    for side, key in ((LEFT, "17"), (RIGHT, "18")):
        made.learn(POSTS, side, (key,), NewRow("public.posts", 1, 1))
    return made


def mail(text: str, *, to: str = "ann@example.com", subject: str = "Hello") -> SentMessage:
    parts = [{"type": "text/plain", "text": text}]
    return SentMessage("mail", {"recipients": [to], "headers": {"subject": subject}, "parts": parts})


def http(path: str, body: Any, **more: str) -> SentMessage:
    return SentMessage("http", {"method": "POST", "path": path, "body": body, **more})


def compare(mapping: IdMapping, left: list[SentMessage], right: list[SentMessage]) -> list[RowDifference]:
    return list(MessageComparison(mapping).compare(2, left, right, links=LINKS, masker=Masker()))


def test_generated_values_and_the_addresses_of_either_side_are_the_same(mapping: IdMapping) -> None:
    left = [mail("See http://localhost/api/posts/17/ by code kJ8sPq2LmN5xTz0WvB3c"), http("/hooks/17", {"id": "17"})]
    right = [
        mail("See http://localhost/api/v2/posts/18/ by code aB4nXr9YtK2vLq7MsD1f"),
        http("/hooks/18", {"id": "18"}),
    ]
    assert compare(mapping, left, right) == []


def test_any_order_will_do(mapping: IdMapping) -> None:
    assert (
        compare(mapping, [mail("a"), mail("b", to="bob@example.com")], [mail("b", to="bob@example.com"), mail("a")])
        == []
    )


@pytest.mark.parametrize(
    ("right", "column"),
    [
        (mail("text", subject="Helo"), "headers.subject"),
        (mail("text", to="bob@example.com"), "recipients[0]"),
        (mail("Text"), "parts[0].text"),
    ],
)
def test_a_place_that_differs_is_named(right: SentMessage, column: str, mapping: IdMapping) -> None:
    (found,) = compare(mapping, [mail("text")], [right])
    assert (found.table, found.row, found.column) == ("mail", "mail: the one of step 2", column)
    assert found.left != found.right


def test_what_one_side_alone_sent_is_named(mapping: IdMapping) -> None:
    first, second = compare(mapping, [mail("text"), mail("more")], [mail("text"), http("/hook", {})])
    assert (first.pattern, first.right) == ("mail", None)
    assert "more" in str(first.left)
    assert (second.pattern, second.left) == ("http", None)


def test_a_secret_is_not_shown(mapping: IdMapping) -> None:
    (found,) = compare(
        mapping, [http("/a", {}, authorization="Bearer one")], [http("/a", {}, authorization="Bearer two")]
    )
    assert (found.column, found.left, found.right) == ("authorization", "***", "***")
