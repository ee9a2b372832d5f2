"""The rate limit of failed sign-ins by name, which both stacks count in one table.

Whether there is such an account makes no difference, so that the answer tells nobody which names are taken.
"""

import hashlib
import math
import unicodedata
from datetime import datetime, timedelta
from typing import Final

FAILURES: Final = 10
WINDOW: Final = timedelta(minutes=15)
# Rows of names that were tried long ago, which each attempt removes; it adds one at the most.
PRUNED: Final = 10
# Folding takes quadratic time, and no name is longer.
_LONGEST_NAME: Final = 255


def attempt_digest(name: str) -> str:
    """The key of a name: a digest of its case-folded spelling, since people type passwords into the wrong field."""
    folded = unicodedata.normalize("NFKC", name[:_LONGEST_NAME]).casefold()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()


def prune_until(now: datetime) -> datetime:
    """Rows that began until then are removed. It moves once a window: both stacks, a moment apart, remove the same."""
    return now - WINDOW - (now - datetime.min.replace(tzinfo=now.tzinfo)) % WINDOW


def seconds_left(since: datetime, now: datetime) -> int:
    """Whole seconds until the failures since then are forgotten, at least 1."""
    return max(1, math.ceil((since + WINDOW - now).total_seconds()))
