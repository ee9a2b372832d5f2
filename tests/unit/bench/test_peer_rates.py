"""When `make bench-check` says that v2 has become slower."""

from tests.bench.peer_rates import _REFERENCE, fallen_ratios

SAME = {endpoint: dict(servers) for endpoint, servers in _REFERENCE.items()}


def test_a_ratio_may_lose_less_than_a_third() -> None:
    assert [*fallen_ratios(SAME)] == []
    assert [*fallen_ratios({name: {who: 0.7 * each for who, each in of.items()} for name, of in SAME.items()})] == []


def test_each_ratio_that_lost_a_third_is_said() -> None:
    fallen = {**SAME, "detail": {who: 0.6 * each for who, each in SAME["detail"].items()}}
    assert [*fallen_ratios(fallen)] == [
        "detail: DRF (v1) took 17.20 times as much of a core as v2, and now 10.32.",
        "detail: the limit took 0.30 times as much of a core as v2, and now 0.18.",
    ]
