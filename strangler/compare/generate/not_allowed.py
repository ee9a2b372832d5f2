"""Cases of methods that no route has: what a path answers to them, and what it says that it takes."""

from collections.abc import Iterator

from strangler.compare.generate.case_text import GeneratedCase
from strangler.compare.generate.world import World


def not_allowed(world: World) -> Iterator[GeneratedCase]:
    """Methods that no route of a path has."""
    done: set[str] = set()
    for operation in world.operations:
        if operation.path in done:
            continue
        done.add(operation.path)
        paths = world.paths(operation)
        has = {each.method for each in world.siblings(operation)}
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if paths else ():
            if method not in has:
                caller = world.random(method, operation.path).choice(("", world.callers.main, world.callers.main))
                yield GeneratedCase(name=f"no {method}", method=method, target=paths[0][1], callers=(caller,))
        if "GET" not in has and paths:
            yield GeneratedCase(name="what it takes", method="OPTIONS", target=paths[0][1], callers=world.callers.users)
