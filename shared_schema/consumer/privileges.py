"""The rights of a service's database role, by column, derived from the consumer's side of the contract."""

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from shared_schema.consumer.consumer import Consumer

Kind = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]


class Right(NamedTuple):
    """A privilege on a column, or on the whole table where `column` is empty; `table` is the contract's key of it."""

    table: str
    kind: Kind
    column: str

    def __str__(self) -> str:
        return f"{self.kind} {self.table}.{self.column}".rstrip(".")


def rights_wanted(consumer: Consumer, *, writers: Collection[str] = ()) -> list[Right]:
    """The rights to read for all features and to write for `writers`, in a fixed order."""
    wanted = set(_of("SELECT", consumer.columns("reads").items()))
    wanted.update(_of("INSERT", consumer.columns("inserts", writers).items()))
    wanted.update(_of("UPDATE", consumer.columns("updates", writers).items()))
    wanted.update(Right(table, "DELETE", "") for table in consumer.deletes(writers))
    return sorted(wanted)


def _of(kind: Kind, columns: Iterable[tuple[str, set[str]]]) -> list[Right]:
    return [Right(table, kind, name) for table, names in columns for name in names]
