"""Where nginx looks for a path: what the template of the locations is given."""

import re
from dataclasses import dataclass

from strangler.routes.route import Answer, Api, Resource
from strangler.routes.table import RouteTable


@dataclass(frozen=True, kw_only=True)
class Location:
    """A resource as the template needs it."""

    path: str
    pattern: str | None
    static_prefix: str
    streaming: bool
    fallback: bool
    gone: frozenset[Api]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The locations that are found by a regular expression below one static prefix.

    nginx looks no further than the longest prefix, so the patterns of a shorter one (`/posts/{id}/`) are here too
    (below `/posts/recent/`). `bare` answers the prefix itself without a slash, where a pattern matches it.
    """

    prefix: str
    resources: tuple[Location, ...]
    bare: Location | None
    is_resource: bool


def locations_of(table: RouteTable) -> tuple[Location, ...]:
    """A location for each path."""
    return tuple(
        Location(
            path=resource.path,
            pattern=resource.pattern,
            static_prefix=resource.static_prefix,
            streaming=resource.routes[0].streaming,
            fallback=any(route.fallback for route in resource.routes),
            gone=frozenset(api for api in Api if _has_gone(resource, api)),
        )
        for resource in table.resources
    )


def groups_of(locations: tuple[Location, ...]) -> tuple[Group, ...]:
    """The locations with a `{name}` in their path, by what stands before it."""
    patterned = [location for location in locations if location.pattern]
    compiled = [(location, re.compile(location.pattern or "")) for location in patterned]
    paths = {location.path for location in locations}
    return tuple(
        Group(
            prefix=prefix,
            resources=tuple(_reaching(prefix, patterned)),
            bare=next((entry for entry, pattern in compiled if pattern.fullmatch(prefix)), None),
            is_resource=f"{prefix}/" in paths,
        )
        for prefix in dict.fromkeys(location.static_prefix for location in patterned)
    )


def _has_gone(resource: Resource, api: Api) -> bool:
    return any(route.stage.answers(api) is Answer.GONE for route in resource.routes)


def _reaching(prefix: str, patterned: list[Location]) -> list[Location]:
    """The locations that may match below `prefix`, those with the longest static part first."""
    reaching = [location for location in patterned if f"{prefix}/".startswith(f"{location.static_prefix}/")]
    return sorted(reaching, key=lambda location: -len(location.static_prefix))
