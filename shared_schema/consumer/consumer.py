"""The consumer's side of the contract: the columns and statements of each feature of FastAPI.

It is derived from the statements that the features send (`derivation`), not by hand. The tool derives grants from
it, and replays it before a Django migration is deployed.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

# Columns by the key of their table.
Columns = Mapping[str, tuple[str, ...]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Need(_Part):
    """The Python type that the service expects of a column, and whether it accepts null."""

    type: str
    nullable: bool


class SampleQuery(_Part):
    """A statement as it is sent (`$1` for the first parameter), and sample values for its parameters."""

    name: str
    sql: str
    values: tuple[Any, ...] = ()


class Feature(_Part):
    """What one feature needs: columns that it reads, inserts and updates, tables that it deletes rows from."""

    reads: Columns = {}
    inserts: Columns = {}
    updates: Columns = {}
    deletes: tuple[str, ...] = ()
    statements: tuple[SampleQuery, ...] = ()


class Consumer(_Part):
    """All features by name, and what is needed of each column that any of them reads, by table and column."""

    format: Literal[1] = 1
    features: Mapping[str, Feature]
    needs: Mapping[str, Mapping[str, Need]] = {}

    def columns(
        self, kind: Literal["reads", "inserts", "updates"], features: Collection[str] | None = None
    ) -> dict[str, set[str]]:
        """The columns that the features, all without names, read, insert or update, by table."""
        found: dict[str, set[str]] = {}
        for name in self.features if features is None else features:
            columns: Columns = getattr(self.features[name], kind)
            for table, names in columns.items():
                found.setdefault(table, set()).update(names)
        return found

    def deletes(self, features: Collection[str] | None = None) -> set[str]:
        """The tables that the features, all without names, delete rows from."""
        names = self.features if features is None else features
        return {table for name in names for table in self.features[name].deletes}

    def without(self, features: Collection[str]) -> "Consumer":
        """The same without some features."""
        left = {name: feature for name, feature in self.features.items() if name not in features}
        return self.model_copy(update={"features": left})

    @property
    def tables(self) -> set[str]:
        """Every table that any feature touches."""
        kinds = (self.columns("reads"), self.columns("inserts"), self.columns("updates"))
        return self.deletes().union(*kinds)

    def features_of(self, table: str, column: str | None = None) -> Iterator[str]:
        """The features that touch a table, or a column of it."""
        for name, feature in self.features.items():
            touched = [columns.get(table) for columns in (feature.reads, feature.inserts, feature.updates)]
            if column is None:
                if table in feature.deletes or any(names is not None for names in touched):
                    yield name
            elif any(names is not None and column in names for names in touched):
                yield name


@cache
def load_consumer(file: Path) -> Consumer:
    """The consumer's side of the contract.

    Raises:
        OSError: there is no such file.
        ValidationError: it is not of this format.
    """
    return Consumer.model_validate_json(file.read_bytes())
