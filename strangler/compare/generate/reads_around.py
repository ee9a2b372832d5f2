"""Reads before the writes of an operation and after them: what is kept in memory, or stale, shows there."""

from collections.abc import Iterator
from typing import Final

from strangler.compare.generate.case_text import GeneratedCase, target_of
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.world import World

_LISTS: Final = 2


def reads_around(world: World, operation: Operation, path: str, *, when: str) -> Iterator[GeneratedCase]:
    """The row at `path`, which is written, and lists of the same table; `when` is `before` or `after`."""
    lists = [
        each
        for each in world.operations
        if each.method == "GET" and "{" not in each.path and _is_list_of(each, operation)
    ][:_LISTS]
    rows = [target_of(path, *world.required(each)) for each in world.siblings(operation) if each.method == "GET"]
    targets = [*rows, *(target_of(each.path, *world.required(each)) for each in lists)]
    if when == "after" and operation.method == "POST":
        # New rows have texts that stored ones may not have: capitals, blanks, other scripts.
        targets += [target for each in lists for target in _orders(world, each)]
    for target in dict.fromkeys(targets):
        caller = (world.callers.main,)
        yield GeneratedCase(name=f"read {when} the writes", method="GET", target=target, callers=caller, again=True)


def _orders(world: World, listing: Operation) -> Iterator[str]:
    parameter = listing.facts.name("ordering")
    if listing.parameter(parameter):
        needed = world.required(listing)
        yield from (target_of(listing.path, *needed, (parameter, name)) for name in world.ordering(listing))


def _is_list_of(other: Operation, operation: Operation) -> bool:
    """Whether a list holds the rows of an operation; one without an answer has no table, but a path."""
    return other.table == operation.table if operation.table else operation.route.path.startswith(other.route.path)
