"""When two answers to the same request are equal, and where they are not: the one meaning of "equal" here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from strangler.compare.client.response import ADDRESS_HEADERS, SideResponse
from strangler.compare.cookies import HEADER as COOKIES
from strangler.compare.cookies import cookie_pairs
from strangler.compare.json_values import (
    ABSENT,
    Absent,
    ItemOrder,
    JsonPath,
    KeyOrder,
    NotJsonError,
    is_written_alike,
    json_parse,
    json_text,
    pairs_walk,
    path_text,
)

_ADDRESS: Final = "\0address"
_PREFIX: Final = "\0prefix"


# What frames the body, what differs from request to request, and what the gateway adds.
IGNORED_HEADERS: Final = frozenset(
    {
        *("connection", "content-length", "date", "keep-alive", "server", "server-timing", "transfer-encoding"),
        *("x-request-id", "x-route", "x-served-by"),
    }
)
MAX_DIFFERENCES: Final = 1000
_EXCERPT: Final = 60


class Links:
    """Takes the bases of both answers out of a text, so that what is left can be compared.

    Both bases are taken out of both sides: what a client wrote itself, an address of v1 in a post say, is the same in
    both answers and stays so. An address and a bare path stay different, and so does what follows `host`: those are
    links that have to be as they stand.
    """

    def __init__(self, *bases: str, host: str = "") -> None:
        prefixes = {urlsplit(base).path for base in bases}
        tokens = dict.fromkeys(prefixes, _PREFIX) | {base: _ADDRESS for base in bases if "://" in base}
        tokens.pop("", None)
        self._tokens = tokens
        self.is_strict = bool(host)
        # The longest first: /api/v2 begins with /api.
        names = "|".join(re.escape(base) for base in sorted(tokens, key=len, reverse=True))
        behind = rf"(?<!//{re.escape(host)})" if host else ""
        self._pattern = re.compile(rf"{behind}({names})(?=/)") if names else None

    def normalised(self, text: str) -> str:
        """The text with a token in place of each base that a slash follows."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._tokens[found[1]], text)

    def header_normalised(self, name: str, text: str) -> str:
        """The same of a header; an address is a link also from its path on."""
        return text if self.is_strict and name in ADDRESS_HEADERS else self.normalised(text)


@lru_cache(maxsize=64)
def links_of(left: str, right: str, host: str = "") -> Links:
    """The links of two bases, made once for all answers of a pair of sides."""
    return Links(left, right, host=host)


def links_between(left: SideResponse, right: SideResponse) -> Links:
    """The links of two answers; where both have their `own`, those have to be as they stand."""
    return links_of(left.base, right.base, right.own.host if left.own and right.own else "")


class DifferenceKind(StrEnum):
    """In what two answers differ.

    `missing`: a key or item that only one has. `key_order`: the same keys in another order. `item_order`: the same
    items of a list in another order. `text`: the same JSON value written otherwise, or bodies that aren't both JSON.
    `statements`: the SQL behind equal answers.
    """

    STATUS = "status"
    HEADER = "header"
    VALUE = "value"
    MISSING = "missing"
    KEY_ORDER = "key_order"
    ITEM_ORDER = "item_order"
    TEXT = "text"
    STATEMENTS = "statements"


@dataclass(frozen=True, kw_only=True)
class ResponseDifference:
    """One place where two answers differ.

    `path` leads there: the keys and indexes of a JSON body, or the name of a header, behind which that of a cookie
    and its attribute may stand. `left` and `right` are what was
    found: JSON values, whole bodies of kind `text`, `ABSENT` where there is nothing. They are as they were sent, with
    their secrets: `strangler.compare.redaction` stands between them and any report.
    """

    kind: DifferenceKind
    path: JsonPath = ()
    left: object
    right: object

    @property
    def place(self) -> str:
        """Where it is, for a person: `status`, `header vary`, `body`, or a JSON path."""
        return self._place(any_item=False)

    @property
    def pattern(self) -> str:
        """The place with `[*]` for each index, so that the same fault in each item of a list is one."""
        return self._place(any_item=True)

    def _place(self, *, any_item: bool) -> str:
        if self.kind in {DifferenceKind.STATUS, DifferenceKind.STATEMENTS}:
            return str(self.kind)
        if self.kind is DifferenceKind.TEXT:
            return "body"
        if self.kind is DifferenceKind.HEADER:
            return " ".join(["header", *map(str, self.path)])
        return path_text(self.path, any_item=any_item)

    def __str__(self) -> str:
        left, right = (_shown(self, side) for side in (self.left, self.right))
        return f"{self.kind} at {self.place}: {left} and {right}"


def differences(left: SideResponse, right: SideResponse, *, by_shape: bool = False) -> list[ResponseDifference]:
    """Where two answers differ, the first thousand places: status, headers, body.

    Links count with their base normalised; numbers, datetimes and decimals by their text. With `by_shape` two bodies
    are equal if they have the same keys in the same order with values of the same types. Where both have links of
    their `own`, the left's are taken as the right's have to be.
    """
    return list(islice(every_difference(left, right, by_shape=by_shape), MAX_DIFFERENCES))


def every_difference(
    left: SideResponse, right: SideResponse, *, by_shape: bool = False
) -> Iterator[ResponseDifference]:
    """As `differences`, without their limit: those that don't count must not take the room of those that do."""
    left = left.with_links_of(right)
    links = links_between(left, right)
    yield from _status_differences(left, right)
    yield from _header_differences(left, right, links)
    yield from _body_differences(left, right, links, by_shape=by_shape)


def first_difference(left: str, right: str) -> int:
    """The index of the first character that isn't the same."""
    same = (index for index, (one, other) in enumerate(zip(left, right, strict=False)) if one != other)
    return next(same, min(len(left), len(right)))


def _status_differences(left: SideResponse, right: SideResponse) -> Iterator[ResponseDifference]:
    if left.status != right.status:
        yield ResponseDifference(kind=DifferenceKind.STATUS, left=left.status, right=right.status)


def _header_differences(left: SideResponse, right: SideResponse, links: Links) -> Iterator[ResponseDifference]:
    if left.headers == right.headers:
        return
    names = {name for answer in (left, right) for name, _ in answer.headers} - IGNORED_HEADERS
    if COOKIES in names:
        names.remove(COOKIES)
        for cookie, attribute, ours, theirs in cookie_pairs(left, right):
            path = tuple(filter(None, (COOKIES, cookie, attribute)))
            yield ResponseDifference(kind=DifferenceKind.HEADER, path=path, left=ours, right=theirs)
    for name in sorted(names):
        one, other = left.header(name), right.header(name)
        # Most are the same text, and looking for links in each takes its time.
        if one == other or (name == "allow" and one and other and _methods(one) == _methods(other)):
            continue
        is_of_body = name == "etag" and one and other and _is_weak(one) == _is_weak(other)
        if is_of_body and (left.body != right.body or not left.body or links.is_strict):
            # Made of bodies that differ in a link or an id of each side's, are a difference already, or weren't sent.
            continue
        if one is None or other is None or links.header_normalised(name, one) != links.header_normalised(name, other):
            sides = [ABSENT if value is None else value for value in (one, other)]
            yield ResponseDifference(kind=DifferenceKind.HEADER, path=(name,), left=sides[0], right=sides[1])


def _methods(allow: str) -> set[str]:
    """The methods of `Allow`: of a function (`@api_view`) Django has them in another order after each start."""
    return {each.strip() for each in allow.split(",")}


def _is_weak(etag: str) -> bool:
    return etag.startswith("W/")


def _body_differences(
    left: SideResponse, right: SideResponse, links: Links, *, by_shape: bool
) -> Iterator[ResponseDifference]:
    if left.body == right.body:
        return
    texts = links.normalised(left.text), links.normalised(right.text)
    if texts[0] == texts[1]:
        return
    whole = ResponseDifference(kind=DifferenceKind.TEXT, left=left.text, right=right.text)
    try:
        one, other = json_parse(left.text), json_parse(right.text)
    except NotJsonError:
        yield whole
        return
    found = False
    item = None if by_shape else lambda value: links.normalised(json_text(value))
    for path, first, second in pairs_walk(one, other, same=lambda a, b: by_shape or _same(a, b, links), item=item):
        found = True
        yield ResponseDifference(kind=_kind(first, second), path=path, left=first, right=second)
    # Counted beside values that differ: those may be declared, or be ids that each side has picked.
    if not by_shape and not (found and is_written_alike(*texts)):
        yield whole


def _same(left: object, right: object, links: Links) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return links.normalised(left) == links.normalised(right)
    return left == right


def _kind(left: object, right: object) -> DifferenceKind:
    if isinstance(left, KeyOrder):
        return DifferenceKind.KEY_ORDER
    if isinstance(left, ItemOrder):
        return DifferenceKind.ITEM_ORDER
    return DifferenceKind.MISSING if left is ABSENT or right is ABSENT else DifferenceKind.VALUE


def _shown(difference: ResponseDifference, side: object) -> str:
    if difference.kind is DifferenceKind.TEXT:
        start = max(0, first_difference(str(difference.left), str(difference.right)) - _EXCERPT // 2)
        return repr(str(side)[start : start + _EXCERPT])
    return "nothing" if isinstance(side, Absent) else repr(side)[: 5 * _EXCERPT]
