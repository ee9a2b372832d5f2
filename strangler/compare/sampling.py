"""So many cases of each route, each as likely as any other of it."""

import random
from collections.abc import Iterable, Iterator

from strangler.compare.cases.case import Case


def cases_sample(cases: Iterable[Case], *, size: int, seed: int) -> Iterator[Case]:
    """`size` cases of each route, in the order in which they came; all of a route that has fewer.

    The whole of `cases` is read first (a reservoir per route, Vitter's algorithm R); no more than the chosen are kept.
    """
    # Chance with a seed, so that a run can be repeated; nothing secret depends on it.
    chance = random.Random(seed)  # noqa: S311
    kept: dict[str, list[tuple[int, Case]]] = {}
    seen: dict[str, int] = {}
    for number, case in enumerate(cases):
        reservoir = kept.setdefault(case.route, [])
        seen[case.route] = count = seen.get(case.route, 0) + 1
        if len(reservoir) < size:
            reservoir.append((number, case))
        elif (place := chance.randrange(count)) < size:
            reservoir[place] = (number, case)
    chosen = (each for reservoir in kept.values() for each in reservoir)
    yield from (case for _number, case in sorted(chosen, key=lambda each: each[0]))
