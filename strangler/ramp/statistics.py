"""How sure a share is: bounds by the Chernoff bound, which hold for any share and any number of requests.

For k of n requests and a true share p, a share as far above p as k/n has a probability of at most exp(-n · KL(k/n ‖ p))
(Hoeffding 1963, theorem 1), where KL is the divergence of two Bernoulli distributions. Looked at after each request of
N, the probability that n · KL ever reaches `evidence` is at most e · ⌈evidence · ln N⌉ · exp(-evidence) (Garivier and
Cappé 2011, theorem 10): that is what lets a ramp look every second without calling chance a fault.

A quantile is judged as a share: the p95 is above t if more than 5 % of the requests take longer than t, which is the
usual confidence interval by order statistics, read the other way round.
"""

import math
from typing import Final

_HALVINGS: Final = 50


def divergence(found: float, supposed: float) -> float:
    """KL(found ‖ supposed) in nats; infinite where what was found is impossible."""
    if found == supposed:
        return 0.0
    if supposed in {0.0, 1.0}:
        return math.inf
    total = 0.0
    for seen, expected in ((found, supposed), (1 - found, 1 - supposed)):
        if seen > 0:
            total += seen * math.log(seen / expected)
    return max(0.0, total)


def evidence_above(count: int, total: int, share: float) -> float:
    """The evidence that the true share of `count` among `total` is above `share`; 0 where it doesn't look so."""
    if not total or count / total <= share:
        return 0.0
    return total * divergence(count / total, share)


def evidence_of_another(count: int, total: int, share: float) -> float:
    """The evidence that the true share is another than `share`, above or below."""
    return total * divergence(count / total, share) if total else 0.0


def upper_bound(count: float, total: int, *, evidence: float) -> float:
    """The share that the true one is below, but with a probability of exp(-evidence); 1 where nothing is known."""
    if not total:
        return 1.0
    found = count / total
    low, high = found, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if total * divergence(found, middle) < evidence:
            low = middle
        else:
            high = middle
    return high
