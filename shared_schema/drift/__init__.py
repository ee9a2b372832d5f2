"""Where tables are not what somebody says or needs, as sentences: pure comparisons, each a list of mismatches."""

from shared_schema.drift.mismatch import Mismatch

__all__ = ["Mismatch"]
