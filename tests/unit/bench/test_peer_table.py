"""The table of v2, its peers and the limit."""

from tests.bench.peer_table import Sample, peer_table
from tests.bench.peers.programs import LIMIT, V2_NAME


def sample(cpu_us: float, rate: float) -> Sample:
    return Sample(cpu_us=cpu_us, rate=rate, p50_ms=10.04, p99_ms=20.06)


def test_ratios_are_the_medians_of_the_rounds_and_the_slowest_comes_first() -> None:
    servers = {
        # The second round was slow for both.
        V2_NAME: [sample(500, 2000), sample(1000, 1000), sample(500, 2000)],
        LIMIT: [sample(250, 4000), sample(500, 2000), sample(125, 8000)],
        "DRF": [sample(5000, 100), sample(10000, 50), sample(5000, 100)],
    }
    assert [*peer_table("detail", servers)] == [
        "| detail | of a core | × v2 | req/s | of the limit | p50 / p99 |",
        "| --- | --- | --- | --- | --- | --- |",
        "| DRF | 5.00 ms | 10.00 | 100 | 0.03 | 10.0 / 20.1 ms |",
        "| **v2** | 0.50 ms | 1.00 | 2,000 | 0.50 | 10.0 / 20.1 ms |",
        "| the limit | 0.25 ms | 0.50 | 4,000 | 1.00 | 10.0 / 20.1 ms |",
    ]
