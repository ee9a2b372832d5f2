"""Which path of the routes file a request means: what the template of nginx's maps is given.

A location for each path would be plainer, but nginx keeps 10 KB for one, and a thousand paths need four thousand: more
than stays in a core's cache. Maps find one of a thousand paths as fast as one of twenty.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from strangler.errors import UsageError
from strangler.routes.table import RouteTable

# nginx gives up on a variable that is 100 others deep (ngx_http_variable_depth); a few stand before and behind.
_MOST_SHAPES: Final = 90

Mask = tuple[int, ...]
"""Which segments of a path are a `{name}`, from 0."""


@dataclass(frozen=True, kw_only=True)
class PathShape:
    """Paths that have their `{name}`s at the same places, and all of them capitals or none.

    `prefix` is a regular expression for what stands before them.

    `paths` are found by a key, which is the request's path with `{}` at those places. nginx's maps know no case, but
    paths do: without `capitals`, the fixed segments may have none; with them, `exact` tells whether they are the same.
    """

    mask: Mask
    capitals: bool
    prefix: str
    paths: dict[str, str] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        """A regular expression that takes a request's path apart."""
        return f"^{self.prefix}{'/[^/.]+'.join(self._captured('[^/]' if self.capitals else '[^/A-Z]'))}/?\\z"

    @property
    def key(self) -> str:
        """The key, in terms of what `pattern` captures."""
        return "/{}".join(f"$part_{place}" if repeat else "" for place, repeat in enumerate(self._fixed)) + "/"

    @property
    def exact(self) -> str:
        """A regular expression for a found path, a space and the request's path; captures the first as `same_path`."""
        found = r"/\{[a-z_]+\}".join(self._captured("[^/ ]"))
        asked = "/[^/.]+".join(rf"\k<part_{place}>" if repeat else "" for place, repeat in enumerate(self._fixed))
        return rf"^(?<same_path>{found}/) {self.prefix}{asked}/?\z"

    def _captured(self, character: str) -> list[str]:
        groups = enumerate(self._fixed)
        return [f"(?<part_{place}>(?:/{character}+){repeat})" if repeat else "" for place, repeat in groups]

    @property
    def _fixed(self) -> list[str]:
        """How many segments stand before each `{name}` and behind the last, as a pattern repeats them."""
        before = [place - last - 1 for last, place in zip((-1, *self.mask), self.mask, strict=False)]
        lengths = [len(_segments(path)) for path in self.paths.values()]
        behind = max(lengths) - 1 - max(self.mask, default=-1)
        return [*(f"{{{count}}}" if count else "" for count in before), f"{{0,{behind}}}" if behind else ""]


def static_paths(table: RouteTable) -> list[tuple[str, str]]:
    """The paths without a `{name}` and without capitals, each by what requests for it have below the API's prefix.

    Of the root, that is nothing without its slash, which no map finds.
    """
    paths = [resource.path for resource in table.resources if not resource.pattern and not _capitals(resource.path)]
    return [(asked, path) for path in paths for asked in (path, path[:-1]) if asked]


def shapes_of(table: RouteTable) -> list[PathShape]:
    """All other paths, in as few shapes as keep the order in which paths are tried.

    First come those with the longest fixed beginning, among them those that the routes file names first.

    :raises UsageError: there are more shapes than nginx can try.
    """
    shapes: list[PathShape] = []
    paths = [resource.path for resource in table.resources if resource.pattern or _capitals(resource.path)]
    for path in sorted(paths, key=lambda path: -_beginning(path)):
        _shape_for(path, shapes, table.prefixes.pattern).paths[_key(path)] = path
    if len(shapes) > _MOST_SHAPES:
        raise UsageError(
            f"nginx would try {len(shapes)} expressions for a path, and gives up after {_MOST_SHAPES}: "
            "write {name}s at fewer different places."
        )
    return shapes


def _shape_for(path: str, shapes: list[PathShape], prefix: str) -> PathShape:
    """The first fitting shape behind all others with a path that a request's path may fit as well."""
    mask, capitals = _mask(path), _capitals(path)
    others = [number for number, shape in enumerate(shapes) if shape.mask != mask and _any_like(path, shape)]
    behind = shapes[max(others, default=-1) + 1 :]
    found = next((shape for shape in behind if (shape.mask, shape.capitals) == (mask, capitals)), None)
    if found is None:
        found = PathShape(mask=mask, capitals=capitals, prefix=prefix)
        shapes.append(found)
    return found


def _any_like(path: str, shape: PathShape) -> bool:
    segments = _segments(path)
    return any(_alike(segments, _segments(other)) for other in shape.paths.values())


def _alike(one: list[str], other: list[str]) -> bool:
    """Whether a request's path can fit both."""
    return len(one) == len(other) and all(a == b or "{" in (a[0], b[0]) for a, b in zip(one, other, strict=True))


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def _mask(path: str) -> Mask:
    return tuple(place for place, segment in enumerate(_segments(path)) if segment.startswith("{"))


def _beginning(path: str) -> int:
    """How many segments stand before the first `{name}`."""
    return min(_mask(path), default=len(path))


def _key(path: str) -> str:
    return re.sub(r"\{[a-z_]+\}", "{}", path)


def _capitals(path: str) -> bool:
    return path != path.lower()
