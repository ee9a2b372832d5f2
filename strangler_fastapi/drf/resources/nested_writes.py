"""Rows within a body as most projects write them: each points at the row that the body is about, or that at it.

ORDERS = Resource(Order, ORDER_SERIALIZER, perform_create=NestedCreate(), perform_update=NestedUpdate(when="given"))
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Executable, select

from shared_schema.consumer.samples import Deletion, Sample, Sent, sample_of
from shared_schema.mapping import primary_key
from strangler_fastapi.db.query import fetch_built
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.links import ForeignKey, ManyToMany, OneToMany
from strangler_fastapi.drf.resources.row_writer import Performed, RowWriter
from strangler_fastapi.drf.resources.sample_queries import body_values
from strangler_fastapi.effects import TableEffects
from strangler_fastapi.errors import NotPorted

if TYPE_CHECKING:
    from strangler_fastapi.drf.resources.resources import Resource

_When = Literal["always", "given", "filled"]
_NONE: Final[tuple[Any, ...]] = ()


@dataclass(frozen=True)
class NestedCreate:
    """Writes a new row, before it those that it points at, then those that point at it.

    Of such as are written in `bulk` Django tells nobody.
    """

    bulk: bool = False

    async def __call__(self, resource: "Resource", session: RequestSession, cleaned: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the key's type
        """See `PerformCreate`."""
        fields = _fields(resource)
        values = {name: value for name, value in cleaned.items() if name not in fields}
        for name, field in fields.items():
            if isinstance(field.link, ForeignKey):
                values[field.link.source] = await _Child(field).add(session, cleaned[name])
        key = await resource.add(session, values)
        for name, field in fields.items():
            rows = (cleaned.get(name) or _NONE) if field.many else [cleaned.get(name, {})]
            if isinstance(field.link, OneToMany):
                await _Children(field, bulk=self.bulk).add_all(session, key, rows)
        return key

    def samples(self, resource: RowWriter) -> Iterator[Sent]:
        """The statements that write rows within."""
        for name, field in _fields(resource).items():
            called = f"{resource.listing.name} {name}"
            if isinstance(field.link, ForeignKey):
                yield from _Child(field).insert_samples(called)
            else:
                yield from _Children(field, bulk=self.bulk).samples(called)


@dataclass(frozen=True)
class NestedUpdate:
    """Changes a row, then those within its body: always, `when` it has them, or when it has some.

    Several are replaced, a single one is changed.
    """

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
            nothing: Any = _NONE if field.many else {}
            rows = cleaned.get(name, nothing if self.when == "always" else None)
            if rows is None or not (rows or self.when != "filled"):
                continue
            if not field.many:
                child = _Child(field)
                await child.save(session, await child.find(session, resource, key), rows)
            else:
                children = _Children(field, bulk=self.bulk)
                await children.remove_all(session, key)
                await children.add_all(session, key, rows)

    def samples(self, resource: RowWriter) -> Iterator[Sent]:
        """The statements that replace rows within."""
        for name, field in _fields(resource).items():
            called = f"{resource.listing.name} {name}"
            if not field.many:
                yield from _Child(field).samples(called, resource)
                continue
            children = _Children(field, bulk=self.bulk)
            yield from children.samples(called)
            yield Sample(f"{called} found", children.found(children.sample_key))
            yield Deletion(children.model.__table_key__)


class _Within(RowWriter):
    """What is within a row, by one field."""

    def __init__(self, field: NestedField) -> None:
        self.model, self.serializer, self.creator = field.link.target, field.children, None
        self.performed: Performed = {}
        self._field_link = field.link
        self.effects = TableEffects(self.model.__mapping__.contract, self.model.__table_key__)

    def _key(self) -> Any:  # noqa: ANN401 - a mapped attribute
        return primary_key(self.model)


class _Child(_Within):
    """The row of one field, which points at the row that it is within, or which that points at."""

    async def find(self, session: RequestSession, resource: RowWriter, key: object) -> Any:  # noqa: ANN401 - of the key's type
        """The key of the row within the one that has `key`.

        Raises:
            NotPorted: there is none.
        """
        rows = await fetch_built(session, self.found(resource, key))
        if not rows:
            raise self._not_found()
        return rows[0][0]

    def found(self, resource: RowWriter, key: object) -> Executable:
        """That key."""
        link = self._field_link
        if isinstance(link, ForeignKey):
            source = getattr(resource.model, link.source)
            return select(source).where(primary_key(resource.model) == key, source.is_not(None))
        assert isinstance(link, OneToMany)  # noqa: S101 - `_fields` has looked
        return select(self._key()).where(getattr(self.model, link.source) == key)

    def samples(self, name: str, resource: RowWriter) -> Iterator[Sent]:
        """The statements that find and change it."""
        key = sample_of(primary_key(resource.model).type.python_type)
        yield Sample(f"{name} found", self.found(resource, key))
        yield Sample(f"{name} change", self.change(self._sample_of(self._key().key), body_values(self.serializer)))

    def insert_samples(self, name: str) -> Iterator[Sent]:
        """The statement that adds it."""
        yield Sample(f"{name} insert", self.insert(body_values(self.serializer)))

    def _not_found(self) -> Exception:
        return NotPorted(f"a row without its {self.model.__name__}, of which Django fails")


class _Children(_Within):
    """The rows of one field, which point at the row that they are within."""

    def __init__(self, field: NestedField, *, bulk: bool) -> None:
        super().__init__(field)
        assert isinstance(field.link, OneToMany)  # noqa: S101 - `_fields` has looked
        self._source, self._bulk = field.link.source, bulk

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
            pointed = field.link.target if isinstance(field.link, ForeignKey) else resource.model
            if isinstance(field.link, ManyToMany) or field.link.key != primary_key(pointed).key:
                raise LookupError(f"{name} of {resource.serializer.name}: its rows don't point at the row they are in.")
            found[field.source or name] = field
    return found
