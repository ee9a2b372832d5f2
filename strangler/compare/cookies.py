"""The cookies of two answers, each by its value and its attributes, whose order and case don't count (RFC 6265)."""

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from strangler.compare.client.response import SideResponse
from strangler.compare.json_values import ABSENT

HEADER: Final = "set-cookie"
VALUE: Final = "value"
_EXPIRES: Final = "expires"
_MAX_AGE: Final = "max-age"
# Attributes that say nothing but that they are there.
_PRESENT: Final = "yes"
_NO_CASE: Final = frozenset({"samesite", "domain"})
# A moment is counted from each side's own answer.
_SLACK_SECONDS: Final = 60.0

Cookie = dict[str, str]


def cookie_pairs(left: SideResponse, right: SideResponse) -> Iterator[tuple[str, str, object, object]]:
    """Where the cookies of two answers differ: name, attribute (`value` for its value, empty for all of it), sides."""
    ours, theirs = _cookies(left), _cookies(right)
    for name in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(name), theirs.get(name)
        if one is None or other is None:
            yield name, "", ABSENT if one is None else one[VALUE], ABSENT if other is None else other[VALUE]
            continue
        for attribute in dict.fromkeys([*one, *other]):
            sides = one.get(attribute), other.get(attribute)
            if sides[0] != sides[1] and not (attribute == _EXPIRES and _expire_alike(one, other)):
                shown: list[object] = [ABSENT if side is None else side for side in sides]
                yield name, attribute, shown[0], shown[1]


def _cookies(answer: SideResponse) -> dict[str, Cookie]:
    """By name; of two of one name the last, which a browser keeps."""
    return dict(_cookie(text) for name, text in answer.headers if name == HEADER)


def _cookie(text: str) -> tuple[str, Cookie]:
    pair, *attributes = (part.strip() for part in text.split(";"))
    name, _, value = pair.partition("=")
    found = {VALUE: value}
    for attribute in filter(None, attributes):
        key, _, said = attribute.partition("=")
        known = key.strip().lower()
        found[known] = (said.strip().lower() if known in _NO_CASE else said.strip()) or _PRESENT
    return name, found


def _expire_alike(one: Cookie, other: Cookie) -> bool:
    if _EXPIRES not in one or _EXPIRES not in other:
        return False
    # Where both say how long it lives, that is what a browser goes by.
    if one.get(_MAX_AGE) == other.get(_MAX_AGE) is not None:
        return True
    moments = _moment(one[_EXPIRES]), _moment(other[_EXPIRES])
    return None not in moments and abs((moments[0] - moments[1]).total_seconds()) <= _SLACK_SECONDS  # type: ignore[operator]


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
