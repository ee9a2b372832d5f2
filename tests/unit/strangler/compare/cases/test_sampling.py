"""Each route's sample is so many of its cases, each as likely as any other, and the same for the same seed."""

from collections import Counter
from collections.abc import Iterator

from strangler.compare.case import Case, cases_sample


def cases(count: int, *routes: str) -> Iterator[Case]:
    for number in range(count):
        yield Case(method="GET", target=f"/{number}", route=routes[number % len(routes)])


def targets(*, size: int, seed: int, count: int = 20) -> list[str]:
    return [case.target for case in cases_sample(cases(count, "a"), size=size, seed=seed)]


def test_each_route_has_its_own_sample() -> None:
    common = [*cases(1000, "busy"), Case(method="GET", target="/", route="quiet")]
    found = Counter(case.route for case in cases_sample(common, size=10, seed=1))
    assert found == {"busy": 10, "quiet": 1}


def test_a_sample_is_repeatable_and_keeps_the_order() -> None:
    assert targets(size=5, seed=1) == targets(size=5, seed=1)
    assert targets(size=5, seed=1) != targets(size=5, seed=2)
    found = [int(target[1:]) for target in targets(size=5, seed=3)]
    assert found == sorted(found)
    assert targets(size=50, seed=1) == [f"/{number}" for number in range(20)]


def test_each_case_is_as_likely_as_any_other() -> None:
    found = Counter(target for seed in range(2000) for target in targets(size=5, seed=seed))
    assert len(found) == 20
    # 500 of each are expected; five standard deviations are 97.
    assert all(400 < count < 600 for count in found.values())
