"""Patterns as a tree: nginx tries one expression after the other, and a thousand take longer than a whole request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from strangler.gateway.locations import Location

# As many as cost about as much to try as one more step down.
_WIDTH: Final = 5
# nginx takes no parameter beyond 4,096 bytes (NGX_CONF_BUFFER), and before the pattern stands the prefix of the API.
_LONGEST: Final = 4000
# What a path may end in, as a segment that no path has.
_END: Final = ""

_Segments = dict[str, "_Segments"]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """Locations next to each other; `pattern` matches what one of them does, and nothing else."""

    pattern: str
    children: tuple["Branch | Location", ...]


def branches_of(locations: Sequence[Location]) -> tuple[Branch | Location, ...]:
    """The same locations in the same order, so that the first that matches stays the first."""
    level: list[tuple[Branch | Location, Sequence[Location]]] = [(location, [location]) for location in locations]
    while len(level) > _WIDTH:
        above = [_branch(level[start : start + _WIDTH]) for start in range(0, len(level), _WIDTH)]
        if any(len(branch.pattern) > _LONGEST for branch, _ in above):
            break
        level = [*above]
    return tuple(node for node, _ in level)


def _branch(part: Sequence[tuple[Branch | Location, Sequence[Location]]]) -> tuple[Branch, Sequence[Location]]:
    below = [location for _, locations in part for location in locations]
    return Branch(pattern=_union(below), children=tuple(node for node, _ in part)), below


def _union(locations: Sequence[Location]) -> str:
    """One expression for the paths of all, with what they have in common written once."""
    tree: _Segments = {}
    for location in locations:
        node = tree
        for segment in (*location.path.strip("/").split("/"), _END):
            node = node.setdefault(_pattern(segment), {})
    return _rest(tree) + "/?"


def _pattern(segment: str) -> str:
    # Of what may stand in a path, only the dot means something else in a pattern.
    return "[^/.]+" if segment.startswith("{") else segment.replace(".", r"\.")


def _rest(node: _Segments) -> str:
    """What may follow a segment."""
    ways = [f"/{segment}{_rest(below)}" for segment, below in node.items() if segment != _END]
    if not ways:
        return ""
    if len(ways) == 1 and _END not in node:
        return ways[0]
    return f"(?:{'|'.join(ways)}){'?' if _END in node else ''}"
