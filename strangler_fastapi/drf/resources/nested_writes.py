"""Rows within a body as most projects write them: each points at the row that the body is about.

ORDERS = Resource(Order, ORDER_SERIALIZER, perform_create=NestedCreate(), perform_update=NestedUpdate(when="given"))
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Executable, insert, select

from shared_schema.consumer.samples import Deletion, Sample, Sent
from shared_schema.mapping import primary_key
from strangler_fastapi.db.query import fetch_built
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.links import OneToMany
from strangler_fastapi.drf.resources.row_writer import Performed, RowWriter
from strangler_fastapi.drf.resources.sample_queries import body_values
from strangler_fastapi.effects import TableEffects

if TYPE_CHECKING:
    from strangler_fastapi.drf.resources.resources import Resource

_When = Literal["always", "given", "filled"]
_NONE: Final[tuple[Any, ...]] = ()


@dataclass(frozen=True)
class NestedCreate:
    """Writes a new row, then those within its body. Of such as are written in `bulk` Django tells nobody."""

    bulk: bool = False

    async def __call__(self, resource: "Resource", session: RequestSession, cleaned: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the key's type
        """See `PerformCreate`."""
        fields = _fields(resource)
        key = await resource.add(session, {name: value for name, value in cleaned.items() if name not in fields})
        for name, field in fields.items():
            await _Children(field, bulk=self.bulk).add_all(session, key, cleaned.get(name) or _NONE)
        return key

    def samples(self, resource: RowWriter) -> Iterator[Sent]:
        """The statements that write rows within."""
        for name, field in _fields(resource).items():
            yield from _Children(field, bulk=self.bulk).samples(f"{resource.listing.name} {name}")


@dataclass(frozen=True)
class NestedUpdate:
    """Changes a row, then replaces those within its body: always, `when` it has them, or when it has some."""

    when: _When = "given"
    bulk: bool = False

    async def __call__(
        self,
        resource: "Resource",
        session: RequestSession,
        key: Any,  # noqa: ANN401 - of the key's type
        cleaned: Mapping[str, Any],
    ) -> None:
        """See `PerformUpdate`."""
        fields = _fields(resource)
        await resource.save(session, key, {name: value for name, value in cleaned.items() if name not in fields})
        for name, field in fields.items():
            rows = cleaned.get(name, _NONE if self.when == "always" else None)
            if rows is not None and (rows or self.when != "filled"):
                children = _Children(field, bulk=self.bulk)
                await children.remove_all(session, key)
                await children.add_all(session, key, rows)

    def samples(self, resource: RowWriter) -> Iterator[Sent]:
        """The statements that replace rows within."""
        for name, field in _fields(resource).items():
            children, called = _Children(field, bulk=self.bulk), f"{resource.listing.name} {name}"
            yield from children.samples(called)
            yield Sample(f"{called} found", children.found(children.sample_key))
            yield Deletion(children.model.__table_key__)


class _Children(RowWriter):
    """The rows of one field, which point at the row that they are within."""

    def __init__(self, field: NestedField, *, bulk: bool) -> None:
        assert isinstance(field.link, OneToMany)  # noqa: S101 - `_fields` has looked
        self.model, self.serializer, self.creator = field.link.target, field.children, None
        self.performed: Performed = {}
        self._source, self._bulk = field.link.source, bulk
        self.effects = TableEffects(self.model.__mapping__.contract, self.model.__table_key__)

    async def add_all(self, session: RequestSession, key: object, rows: Any) -> None:  # noqa: ANN401 - cleaned rows
        """Writes them in their order."""
        for each in rows:
            if self._bulk:
                await fetch_built(session, self.insert({**each, self._source: key}))
            else:
                await self.add(session, {**each, self._source: key})

    async def remove_all(self, session: RequestSession, key: object) -> None:
        """Removes those that there are, with what Django deletes along with them."""
        found = [row[0] for row in await fetch_built(session, self.found(key))]
        await self.effects.delete(session, found)

    def found(self, key: object) -> Executable:
        """The keys of those that there are."""
        return select(primary_key(self.model)).where(getattr(self.model, self._source) == key)

    def insert(self, values: Mapping[str, Any]) -> Executable:
        """Adds a row; returns its key."""
        return insert(self.model.__table__).values(self._by_column(values)).returning(primary_key(self.model))

    def samples(self, name: str) -> Iterator[Sent]:
        """The statement that adds one."""
        values = body_values(self.serializer) | {self._source: self.sample_key}
        yield Sample(f"{name} insert", self.insert(values))

    @property
    def sample_key(self) -> Any:  # noqa: ANN401 - of the key's type
        """What such a row points at, for a sample."""
        return self._sample_of(self._source)


def _fields(resource: RowWriter) -> dict[str, NestedField]:
    """The fields of rows within a body, by what they are cleaned as.

    Raises:
        LookupError: one is of no rows that point at the row.
    """
    found: dict[str, NestedField] = {}
    for name, field in resource.serializer.fields.items():
        if isinstance(field, NestedField) and not field.read_only:
            if not isinstance(field.link, OneToMany) or field.link.key != primary_key(resource.model).key:
                raise LookupError(f"{name} of {resource.serializer.name}: its rows don't point at the row they are in.")
            found[field.source or name] = field
    return found
