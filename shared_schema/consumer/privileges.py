"""The rights of a service's database role, by column, derived from the consumer's side of the contract."""

from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple

from shared_schema.consumer.consumer import Consumer
from shared_schema.throttling import TABLE as THROTTLES

Kind = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]


class Right(NamedTuple):
    """A privilege on a column, or on the whole table where `column` is empty; `table` is the contract's key of it."""

    table: str
    kind: Kind
    column: str

    def __str__(self) -> str:
        return f"{self.kind} {self.table}.{self.column}".rstrip(".")


def rights_wanted(consumer: Consumer, *, writers: Collection[str] = ()) -> list[Right]:
    """The rights to read for all features and to write for `writers`, in a fixed order.

    Throttles count reads too: whoever counts in their table may write to it.
    """
    counts = [right for right in _to_write(consumer, consumer.features) if right.table == THROTTLES]
    return sorted({*_of("SELECT", consumer.columns("reads").items()), *_to_write(consumer, writers), *counts})


def _to_write(consumer: Consumer, features: Collection[str]) -> Iterator[Right]:
    yield from _of("INSERT", consumer.columns("inserts", features).items())
    yield from _of("UPDATE", consumer.columns("updates", features).items())
    yield from (Right(table, "DELETE", "") for table in consumer.deletes(features))


def _of(kind: Kind, columns: Iterable[tuple[str, set[str]]]) -> list[Right]:
    return [Right(table, kind, name) for table, names in columns for name in names]
