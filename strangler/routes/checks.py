"""What must hold between the entries of a routes file, so that nginx can serve all of them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from strangler.routes.mistakes import Mistake
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Api, Fixed, Route, RouteResource, group_by_path

# Rendered whatever the routes file says: nginx's own answers.
_OWN_LOCATIONS = tuple(f"= /gateway/{name}" for name in ("version", "bad-request", "bad-method", "long-address"))
_Key = TypeVar("_Key")
_Entry = TypeVar("_Entry")


def clashes(routes: Collection[Route], fixed: Collection[Fixed], prefixes: Prefixes) -> Iterator[Mistake]:
    """Each pair of entries that can't both be served."""
    resources = group_by_path(routes)
    yield from _same_names([*routes, *fixed])
    yield from _same_methods(resources)
    yield from _same_but_for_case(resources)
    yield from _some_streaming(resources)
    yield from _same_locations(resources, fixed, prefixes)


def _same_names(entries: Iterable[Route | Fixed]) -> Iterator[Mistake]:
    for name, same in _groups(entries, lambda entry: entry.name).items():
        if len(same) > 1:
            lines = [entry.line for entry in same]
            yield Mistake(f"{name} is named {len(same)} times: give every entry a name of its own.", *lines)


def _same_methods(resources: Iterable[RouteResource]) -> Iterator[Mistake]:
    for resource in resources:
        answering: dict[str, Route] = {}
        for route in resource.routes:
            # One sentence for each pair, however many methods they share.
            others = {other.name: other for method in route.methods if (other := answering.get(method))}
            for other in others.values():
                method = next(method for method in route.methods if answering.get(method) is other)
                yield Mistake(
                    f"{other.name} and {route.name} both answer {method} {resource.path}: keep one of them.",
                    other.line,
                    route.line,
                )
            answering |= dict.fromkeys(route.methods, route)


def _same_but_for_case(resources: Iterable[RouteResource]) -> Iterator[Mistake]:
    # nginx's maps know no case.
    for first, *others in _groups(resources, lambda resource: (resource.pattern or resource.path).lower()).values():
        for other in others:
            yield Mistake(
                f"{first.path} and {other.path} differ only in case or in a variable's name: write both alike.",
                first.routes[0].line,
                other.routes[0].line,
            )


def _some_streaming(resources: Iterable[RouteResource]) -> Iterator[Mistake]:
    for resource in resources:
        first, *others = resource.routes
        other = next((route for route in others if route.streaming != first.streaming), None)
        if other:
            yield Mistake(
                f"the routes of {resource.path} differ in streaming: nginx buffers by path, so give all the same.",
                first.line,
                other.line,
            )


def _same_locations(
    resources: Iterable[RouteResource], fixed: Iterable[Fixed], prefixes: Prefixes
) -> Iterator[Mistake]:
    taken: dict[str, Route | Fixed | None] = dict.fromkeys((*_unrouted(prefixes), *_OWN_LOCATIONS))
    for resource in resources:
        for api in Api:
            taken |= dict.fromkeys(resource.locations(prefixes.of(api)), resource.routes[0])
    for entry in fixed:
        location = next((location for location in entry.locations if location in taken), None)
        if location:
            other = taken[location]
            yield Mistake(
                f"{other.name if other else 'the gateway itself'} and {entry.name} both claim "
                f"{location.removeprefix('= ')}: keep one of them.",
                entry.line,
                *([other.line] if other else []),
            )
        taken |= dict.fromkeys(entry.locations, entry)


def _unrouted(prefixes: Prefixes) -> tuple[str, ...]:
    """The locations of what the second API doesn't route."""
    return (f"{prefixes.v2}/", f"= {prefixes.v2}")


def _groups(entries: Iterable[_Entry], key: Callable[[_Entry], _Key]) -> dict[_Key, list[_Entry]]:
    groups: dict[_Key, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    return groups
