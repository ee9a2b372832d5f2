"""Compares live tables, contract and consumer; every comparison is pure and gives a list of mismatches."""

from shared_schema.drift.mismatch import Mismatch

__all__ = ["Mismatch"]
