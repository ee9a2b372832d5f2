"""What differs between two states of the schema, as lines: `+ column posts.subtitle character varying(200) null`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared_schema.catalog import Catalog
from shared_schema.contract.contract import Contract
from shared_schema.drift import Mismatch
from shared_schema.drift.contract import contract_mismatches
from shared_schema.drift.revisions import contract_changes
from strangler.errors import UsageError


@dataclass(frozen=True)
class Difference:
    """What is otherwise: `before` is None where it is new, `after` where it is gone."""

    table: str
    column: str | None
    subject: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.subject} {self.after}".rstrip()
        if self.after is None:
            return f"- {self.subject} {self.before}".rstrip()
        return f"~ {self.subject}: {self.before} → {self.after}"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "table": self.table,
            "column": self.column,
            "subject": self.subject,
            "before": self.before,
            "after": self.after,
        }


def differences(before: Contract | Catalog, after: Contract | Catalog) -> list[Difference]:
    """All of them, by table; a live database is compared in what it can tell.

    :raises UsageError: both are live databases.
    """
    if isinstance(before, Contract) and isinstance(after, Contract):
        return list(_told(contract_changes(before, after)))
    if isinstance(before, Contract) and isinstance(after, Catalog):
        return list(_told(contract_mismatches(before, after)))
    if isinstance(before, Catalog) and isinstance(after, Contract):
        return [
            Difference(each.table, each.column, each.subject, each.after, each.before)
            for each in differences(after, before)
        ]
    raise UsageError(
        "a live database is compared with a contract: name one of contract, django, git:REVISION or a file."
    )


def _told(mismatches: list[Mismatch]) -> Iterator[Difference]:
    for each in mismatches:
        yield Difference(each.table, each.column, each.subject, each.said, each.found)
