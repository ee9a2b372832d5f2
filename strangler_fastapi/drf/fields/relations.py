"""Fields that stand for rows of other tables."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.orm import aliased

from shared_schema.consumer.samples import Sample, sample_of, sample_value
from shared_schema.contract.values import BIGGEST, python_type
from shared_schema.mapping import Reflected
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.fields import MISSING, Field, Scope
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.links import ForeignKey, ManyToMany, OneToMany
from strangler_fastapi.drf.validators import NO_LIST, Invalid, biggest, check_storable, read_uuid
from strangler_fastapi.effects import RowWrite, TableEffects
from strangler_fastapi.errors import NotPorted


@dataclass(frozen=True, kw_only=True)
class PrimaryKeyRelatedField(Field):
    """The key of a row that is there (`serializers.PrimaryKeyRelatedField`).

    `key` is the attribute of the mapped class `model` that holds it, `type` its type as PostgreSQL spells it.
    """

    model: type[Reflected]
    key: str
    type: str

    async def clean(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        return await super().clean(None if value == "" else value, scope)

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        # Null within a list is the key of no row; elsewhere it doesn't come here.
        key = None if value is None else self._key(value)
        if not self._fits(key) or not await fetch(scope.session, self.lookup(key)):
            text = 'Invalid pk "{pk_value}" - object does not exist.'
            raise self.refused("does_not_exist", text, pk_value=value)
        return key

    def lookup(self, key: object) -> Rows:
        """The row with that key."""

        def build() -> Executable:
            column = getattr(self.model, self.key)
            return select(column).where(column == bindparam("key", type_=column.type))

        return Rows((self.model, "row of", self.key), build, {"key": key})

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return python_type(self.type)

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return sample_value(self.type)

    def _key(self, value: Any) -> Any:  # noqa: ANN401 - as it was sent, and as the column has it
        kind = python_type(self.type)
        if isinstance(value, bool):
            raise self._wrong_type(value)
        if kind is str:
            check_storable(text := str(value))
            return text
        if kind is UUID:
            return read_uuid(value)
        try:
            return kind(value)
        except (TypeError, ValueError, OverflowError):
            raise self._wrong_type(value) from None

    def _wrong_type(self, value: object) -> Invalid:
        text = "Incorrect type. Expected pk value, received {data_type}."
        return self.refused("incorrect_type", text, data_type=type(value).__name__)

    def _fits(self, key: object) -> bool:
        """Whether the column could hold the key."""
        most = BIGGEST.get(self.type)
        return key is not None and (most is None or not isinstance(key, int) or -most - 1 <= key <= most)


@dataclass(frozen=True, kw_only=True)
class SlugRelatedField(Field):
    """The `slug_field` of the row that a foreign key points at, a unique one (`serializers.SlugRelatedField`).

    Of a `read_only` one `slug_field` may be any attribute: it is what DRF has as a source with a dot.
    """

    link: ForeignKey
    slug_field: str

    async def clean(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        return await super().clean(None if value == "" else value, scope)

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        column = getattr(self.link.target, self.slug_field)
        if value is None:
            # Within a list; elsewhere it doesn't come here. No row is found by null.
            raise self._unknown(value)
        slug = self._slug(column.type.python_type, value)
        if isinstance(slug, int) and abs(slug) > biggest(column.type):
            raise self._unknown(value)
        rows = await fetch(scope.session, self.lookup(slug))
        if not rows:
            raise self._unknown(value)
        return rows[0][0]

    def _slug(self, kind: type, value: Any) -> Any:  # noqa: ANN401 - as it was sent, and as the column has it
        if kind is UUID:
            return read_uuid(value)
        try:
            return _slug_of(kind, value)
        except (ArithmeticError, TypeError, ValueError, Invalid):
            raise self.refused("invalid", "Invalid value.") from None

    def _unknown(self, value: object) -> Invalid:
        text = "Object with {slug_name}={value} does not exist."
        return self.refused("does_not_exist", text, slug_name=self.slug_field, value=value)

    def lookup(self, slug: object) -> Rows:
        """The key of the row of that slug."""
        target = self.link.target

        def build() -> Executable:
            column = getattr(target, self.slug_field)
            return select(getattr(target, self.link.key)).where(column == bindparam("slug", type_=column.type))

        return Rows((target, "key of", self.link.key, self.slug_field), build, {"slug": slug})

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """The slug, of the row of `owner`."""
        related = aliased(self.link.target)
        return self.link.rows(owner, related, getattr(related, self.slug_field)).scalar_subquery()

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return Any

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return sample_of(getattr(self.link.target, self.link.key).type.python_type)


@dataclass(frozen=True, kw_only=True)
class ManyRelatedField(Field):
    """Rows at the other end of a many-to-many relation, each as `child` names one (`serializers.ManyRelatedField`)."""

    link: ManyToMany
    child: PrimaryKeyRelatedField | SlugRelatedField
    allow_empty: bool = True

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, D102 - see Field
        return form.all(name) if name in form or not partial else MISSING

    async def convert(self, value: Any, scope: Scope) -> list[Any]:  # noqa: ANN401, D102 - see Field
        if isinstance(value, str) or not isinstance(value, Collection):
            raise self.refused("not_a_list", NO_LIST, input_type=type(value).__name__)
        if not (value or self.allow_empty):
            raise self.refused("empty", "This list may not be empty.")
        return [await self.child.convert(item, scope) for item in value]

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: ARG002, D102 - see Field
        write = self.child.representation()
        return None if write is None else lambda keys: [*map(write, keys)]

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """The keys or the slugs, of the row of `owner`."""
        if isinstance(self.child, SlugRelatedField):
            return _slugs(self.link, owner, self.child.slug_field)
        return func.array(self.link.keys(owner).scalar_subquery())

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        kind: Any = list[self.child.annotation(request=request)]  # type: ignore[misc] # a type that is computed
        return kind

    def sample(self) -> list[Any]:  # noqa: D102 - see Field
        return [self.child.sample()]

    async def write(
        self,
        session: RequestSession,
        key: Any,  # noqa: ANN401 - of the key's type
        wanted: Collection[Any],
        effects: TableEffects,
    ) -> None:
        """Makes these the row's: links that stay keep their rows, as with Django's `set`.

        Raises:
            NotPorted: nobody has written what Django calls for such links.
        """
        table = self.link.through.__table_key__
        linked = {row[0] for row in await fetch(session, self.link.of(key))}
        if gone := sorted(linked - set(wanted)):
            write = RowWrite(table, "remove", gone, owner=key)
            await effects.before(session, write)
            await session.execute(self.link.remove(key, gone))
            await effects.after(session, write)
        # A set, as in Django: rows of links have their keys in its order, which is the same for numbers.
        if new := {each for each in wanted if each not in linked}:
            write = RowWrite(table, "add", [*new], owner=key)
            await effects.before(session, write)
            await fetch(session, self.link.add(key, write.keys))
            await effects.after(session, write)

    def samples(self, name: str, key: Any) -> Iterator[Sample]:  # noqa: ANN401 - of the key's type
        """The statements of `write`."""
        yield self.link.of(key).sample(f"{name} linked")
        yield Sample(f"{name} unlink", self.link.remove(key, self.sample()))
        yield self.link.add(key, self.sample()).sample(f"{name} link")


@dataclass(frozen=True, kw_only=True)
class PointingKeysField(Field):
    """Keys of the rows that point at this one, read-only (a `ManyRelatedField` of a reverse relation)."""

    read_only: bool = True
    link: ManyToMany | OneToMany

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """The keys, of the row of `owner`."""
        return func.array(self.link.keys(owner).scalar_subquery())

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return list[Any]


@dataclass(frozen=True, kw_only=True)
class ManySlugRelatedField(Field):
    """The `slug_field` of each row that is linked to this one, or points at it, read-only.

    `many_related_field(…, slug_field=…)` makes one that is written, too (DRF's `SlugRelatedField` of many).
    """

    read_only: bool = True
    link: ManyToMany | OneToMany
    slug_field: str

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """The slugs, of the row of `owner`."""
        return _slugs(self.link, owner, self.slug_field)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return list[Any]


@dataclass(frozen=True, kw_only=True)
class StringRelatedField(SlugRelatedField):
    """What a model's `__str__` says of the row that a foreign key points at, read-only: `text` of its alias, in SQL."""

    read_only: bool = True
    slug_field: str = ""
    text: Callable[[Any], Any]

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - see SlugRelatedField
        """See SlugRelatedField."""
        related = aliased(self.link.target)
        return self.link.rows(owner, related, self.text(related)).scalar_subquery()

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return str


def _slugs(link: ManyToMany | OneToMany, owner: Any, slug_field: str) -> Any:  # noqa: ANN401 - as above
    related = aliased(link.target)
    return func.array(link.rows(owner, related, getattr(related, slug_field)).scalar_subquery())


def _slug_of(kind: type, value: Any) -> Any:  # noqa: ANN401 - as it was sent, and as the column has it
    """A slug as the column's type; of a text, whatever text it is.

    Raises:
        ArithmeticError, TypeError, ValueError, Invalid: it is none.
        NotPorted: how Django reads one of that type is not known here.
    """
    if not issubclass(kind, str | int | float | Decimal):
        raise NotPorted(f"rows that are found by a {kind.__name__}")
    if kind is str:
        check_storable(text := str(value))
        return text
    return kind(value)
