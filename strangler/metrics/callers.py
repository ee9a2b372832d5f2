"""How many callers each stack has, in bounded memory."""

import hashlib
from collections import Counter
from collections.abc import Iterable

from strangler.routes.route import Stack

# Enough that a share of 1 % is 40 callers; about half a megabyte a route.
LIMIT = 4096
_SPACE = 1 << 64


class CallerSample:
    """The callers whose digest is below a threshold: all, as long as they are few, else a sample of them.

    Each time that more than `limit` are known, the threshold is halved, so what is left is a uniform sample (Wegman's
    adaptive sampling: Flajolet, "On adaptive sampling", Computing 43, 1990). A caller whom both stacks answered is the
    last one's.
    """

    def __init__(self, *, threshold: int = _SPACE, known: Iterable[tuple[int, Stack]] = (), limit: int = LIMIT) -> None:
        self.threshold = threshold
        self.known: dict[int, Stack] = dict(known)
        self._limit = limit

    def add(self, caller: str, stack: Stack) -> None:
        """Count a caller, whether known or not."""
        digest = int.from_bytes(hashlib.blake2b(caller.encode("utf-8", "replace"), digest_size=8).digest())
        if digest >= self.threshold:
            return
        self.known[digest] = stack
        self._thin()

    def merge(self, other: "CallerSample") -> None:
        """Count another one's callers, too."""
        self.threshold = min(self.threshold, other.threshold)
        self.known = {each: stack for each, stack in (self.known | other.known).items() if each < self.threshold}
        self._thin()

    @property
    def counts(self) -> Counter[Stack]:
        """Callers of the sample by the stack that answers them."""
        return Counter(self.known.values())

    def of(self, stack: Stack) -> list[int]:
        """The digests of the callers whom a stack answers."""
        return sorted(digest for digest, answered in self.known.items() if answered is stack)

    def estimate(self, stack: Stack) -> int:
        """How many callers a stack has; exact as long as all are known."""
        return round(self.counts[stack] * _SPACE / self.threshold)

    def _thin(self) -> None:
        while len(self.known) > self._limit:
            self.threshold //= 2
            self.known = {digest: stack for digest, stack in self.known.items() if digest < self.threshold}
