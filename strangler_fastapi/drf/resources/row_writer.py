"""The rows of a table as a serializer writes them: new, changed, linked to others, deleted with what hangs on them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import Executable, insert, null, update

from shared_schema.consumer.samples import Sample, sample_of
from strangler_fastapi.db.query import fetch_built
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.file_fields import files_kept
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.relations import ManyRelatedField
from strangler_fastapi.drf.links import attribute_of
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.parents import Parent
from strangler_fastapi.drf.resources.sample_queries import body_samples, body_values
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.effects import RowWrite, TableEffects
from strangler_fastapi.errors import NotPorted

# The attributes that code of a project's own gives a row, by the action; to `count` is to make them of what they are.
Performed = Mapping[Literal["create", "update", "assign", "count", "destroy"], tuple[str, ...]]
# The values that attributes get besides what a body says, by the action.
Given = Mapping[Literal["create", "update"], Mapping[str, Any]]


class RowWriter:
    """Writes what a serializer has cleaned.

    `model` is the mapped class, `listing` names its rows, `creator` is the attribute of a new row's caller,
    `parents_of_new` are the rows that one belongs to, `performed` the attributes that functions of the project give
    one, by the action, `effects` are what else happens to the rows that it writes.
    """

    model: Any
    serializer: Serializer
    listing: Listing
    creator: str | None
    parents_of_new: tuple[Parent, ...]
    performed: Performed
    effects: TableEffects

    async def add(self, session: RequestSession, cleaned: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the key's type
        """Writes a new row of values that the serializer has cleaned, and what it is linked to; returns its key.

        Raises:
            ValidationFailed: another transaction took a unique value meanwhile.
            NotPorted: nobody has written what Django calls for such a row (`strangler_fastapi.effects`).
        """
        values, links = self._divided(cleaned)
        async with files_kept(self.serializer.fields, values) as made:
            write = RowWrite(self.model.__table_key__, "create", values={**made})
            await self.effects.before(session, write)
            with self.serializer.refuse_duplicates():
                key = (await fetch_built(session, self.insert(write.values)))[0][0]
            await self.effects.after(session, replace(write, keys=(key,)))
            await self._link(session, key, links)
        return key

    async def save(self, session: RequestSession, key: object, cleaned: Mapping[str, Any]) -> None:
        """Changes a row to values that the serializer has cleaned.

        Raises:
            NotFound: there is no such row.
            ValidationFailed: another transaction took a unique value meanwhile.
            NotPorted: as above; or the values have another key, of which Django makes another row.
        """
        values, links = self._divided(cleaned)
        if values.pop(self._key().key, key) != key:
            raise NotPorted(f"a change of the key of {self.listing.name}: Django leaves the row and makes another one")
        # DRF saves the row also where a body says nothing of it.
        async with files_kept(self.serializer.fields, values or self._touched()) as made:
            write = RowWrite(self.model.__table_key__, "update", (key,), {**made})
            await self.effects.before(session, write)
            with self.serializer.refuse_duplicates():
                if write.values and not await fetch_built(session, self.change(key, write.values)):
                    raise self._not_found()
            await self.effects.after(session, write)
            await self._link(session, key, links)

    async def remove(self, session: RequestSession, keys: Sequence[Any]) -> dict[str, int]:
        """Deletes rows, with what Django deletes along with them; returns how many went, by table.

        Raises:
            ProtectedError: rows that stay point at one of them.
            NotPorted: as above, of any of the rows that go.
        """
        return await self.effects.delete(session, keys)

    def insert(self, values: Mapping[str, Any]) -> Executable:
        """Adds a row; returns its key."""
        return insert(self.model.__table__).values(self._by_column(values)).returning(self._key())

    def change(self, key: object, values: Mapping[str, Any]) -> Executable:
        """Changes a row; returns its key, none where there is no such row."""
        changed = update(self.model.__table__).where(self._key() == key)
        return changed.values(self._by_column(values)).returning(self._key())

    def write_samples(self, used: Collection[str] = ("create", "update")) -> Iterator[Sample]:
        """The statements that check and write a row, with samples of values."""
        key = sample_of(self._key().type.python_type)
        name, (values, _) = self.listing.name, self._divided(body_values(self.serializer))
        yield from body_samples(self.serializer)
        values = {name: value for name, value in values.items() if name not in self._nested}
        values |= {each: self._sample_of(each) for each in self.effects.writes}
        if "create" in used:
            given = (self.creator, *(parent.attribute for parent in self.parents_of_new))
            by = {name: self._sample_of(name) for name in given if name}
            yield Sample(f"{name} insert", self.insert(values | by | self._performed_sample("create")))
        if "update" in used:
            yield Sample(f"{name} change", self.change(key, values | self._performed_sample("update")))
        for field_name, field in self._links.items():
            yield from field.samples(f"{name} {field_name}", key)

    def _key(self) -> Any:  # noqa: ANN401 - a mapped attribute
        return self.listing.key()

    def _not_found(self) -> Exception:
        return self.listing.not_found()

    def _performed_sample(self, action: Literal["create", "update", "assign", "destroy"]) -> dict[str, Any]:
        return {each: self._sample_of(each) for each in self.performed.get(action, ())}

    def _sample_of(self, attribute: str) -> Any:  # noqa: ANN401 - of the attribute's type
        return sample_of(getattr(self.model, attribute).type.python_type)

    @property
    def _links(self) -> dict[str, ManyRelatedField]:
        fields = self.serializer.fields.items()
        return {name: field for name, field in fields if isinstance(field, ManyRelatedField) and not field.read_only}

    @property
    def _nested(self) -> set[str]:
        """The names, or sources, of what a body says of rows of other tables."""
        fields = self.serializer.fields.items()
        return {
            field.source or name for name, field in fields if isinstance(field, NestedField) and not field.read_only
        }

    def _divided(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of the row's own columns, and the keys that it is to be linked to, by the names of fields."""
        links = {name: field.source or name for name, field in self._links.items()}
        given = {name: values[source] for name, source in links.items() if source in values}
        return {name: value for name, value in values.items() if name not in links.values()}, given

    async def _link(self, session: RequestSession, key: object, links: Mapping[str, Any]) -> None:
        for name, wanted in links.items():
            field = self._links[name]
            await field.write(session, key, wanted, self.effects.of_links(field.link.through.__table_key__))

    def _touched(self) -> dict[str, Any]:
        """What a change of nothing writes: `auto_now`."""
        columns = self.model.__table__.columns
        made = {attribute_of(self.model, each.name): each.onupdate for each in columns if each.onupdate is not None}
        return {name: default.arg(None) for name, default in made.items()}

    def _by_column(self, values: Mapping[str, Any]) -> dict[str, Any]:
        # Of a JSON column, SQLAlchemy would make JSON's null of None; Django makes NULL.
        given = {name: null() if value is None else value for name, value in values.items()}
        return {self.model.__columns__.get(name, name): value for name, value in given.items()}
