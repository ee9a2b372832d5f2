"""Which differences of two answers are none, since the values play the same part on both sides."""

import re
from collections.abc import Sequence
from typing import Final

from strangler.compare.client.response import Answer
from strangler.compare.differ import Difference, Kind, Links
from strangler.compare.json_values import json_parse
from strangler.compare.writes.roles import Roles

_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*')


def differences_of_parts(found: Sequence[Difference], left: Answer, right: Answer, roles: Roles) -> list[Difference]:
    """Those of `found` that are differences still when ids, times and tokens are taken for the part they play."""
    links = Links(left.base, right.base)
    rest = [each for each in found if not _is_same(each, links, roles)]
    in_body = [each for each in found if each.kind not in {Kind.STATUS, Kind.HEADER}]
    if in_body and not any(each in rest for each in in_body) and not _written_alike(left, right, links):
        rest.append(Difference(kind=Kind.TEXT, left=left.text, right=right.text))
    return rest


def _is_same(difference: Difference, links: Links, roles: Roles) -> bool:
    if difference.kind not in {Kind.VALUE, Kind.HEADER}:
        return False
    sides = [links.normalised(side) if type(side) is str else side for side in (difference.left, difference.right)]
    return roles.values_same(*sides)


def _written_alike(left: Answer, right: Answer, links: Links) -> bool:
    """Whether two JSON texts differ in nothing but the values that they have, in blanks or escapes say."""
    if _SCALAR.sub("0", left.text) != _SCALAR.sub("0", right.text):
        return False
    scalars = zip(_SCALAR.findall(left.text), _SCALAR.findall(right.text), strict=True)
    return all(
        links.normalised(one) == links.normalised(other) or _value(one, links) != _value(other, links)
        for one, other in scalars
    )


def _value(scalar: str, links: Links) -> object:
    value = json_parse(scalar)
    return links.normalised(value) if type(value) is str else value
