"""What a project says of a table in the admin, and the statements that its pages send."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from starlette_admin.exceptions import FormValidationError

from shared_schema.consumer.samples import Deletion, Sample, Sent, sample_of
from strangler_fastapi.admin.history import model_name
from strangler_fastapi.admin.staff import StaffUser
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import clauses_of, read_text, values_of
from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.validators import Invalid, is_in_range

Values = dict[str, Any]


async def _unchanged(_session: RequestSession, values: Values) -> Values:
    return values


@dataclass(frozen=True, kw_only=True)
class AdminModel:
    """A table in the admin, as a ModelAdmin of Django's describes it.

    Rows are read and written by `resource`, whose serializer checks what a form says; its `search_fields` are what the
    search looks at, its `ordering` and `ordering_fields` what the list is and can be ordered by. Who may view, add,
    change and delete is as Django's permissions of the model say.

    Args:
        resource: the rows, and how they are written.
        text: what a row is called (`__str__`), of an object with the serializer's keys.
        list_display: the keys that the list shows.
        list_filter: the keys that it can be narrowed by; attributes of the class.
        add: the body of a new row, where that is another than the serializer's.
        prepare: makes cleaned values those of a row, such as a password its hash.
        may_change: whether somebody may change or delete a row, by its own keys.
        superuser_fields: keys that superusers alone may set.
        label: what the table is called; by default Django's verbose name.
        icon: a class of Font Awesome.
        is_writable: False for what is only read.
    """

    resource: Resource
    text: Callable[[Any], str]
    list_display: tuple[str, ...]
    list_filter: tuple[str, ...] = ()
    add: Serializer | None = None
    prepare: Callable[[RequestSession, Values], Awaitable[Values]] = _unchanged
    may_change: Callable[[StaffUser, Any], bool] = lambda _user, _row: True
    superuser_fields: tuple[str, ...] = ()
    label: str | None = None
    icon: str | None = None
    is_writable: bool = True

    @property
    def table(self) -> str:
        """The contract's key of the table, by which addresses name it."""
        key: str = self.resource.model.__table_key__
        return key

    @cached_property
    def noun(self) -> str:
        """Django's verbose name."""
        name: str = self.resource.model.__mapping__.contract.tables[self.table].verbose_name
        return name

    def permission(self, verb: str) -> str:
        """Django's permission to `view`, `add`, `change` or `delete`."""
        app_label, name = model_name(self.resource.model)
        return f"{app_label}.{verb}_{name}"

    def body(self, user: StaffUser, *, is_new: bool) -> Serializer:
        """What a form may say."""
        body = self.add if is_new and self.add is not None else self.resource.serializer
        return body if user.is_superuser else body.without(self.superuser_fields)

    async def clean(self, session: RequestSession, form: Form, user: StaffUser, key: object) -> Values:
        """The values that a form stands for; `key` is None for a new row.

        Raises:
            ValidationFailed: one is refused.
        """
        body = self.body(user, is_new=key is None)
        return await self.prepare(session, await body.validate(form, Scope(session, key, user)))

    async def rows(
        self,
        session: RequestSession,
        *clauses: ColumnElement[bool],
        search: str | None = None,
        order: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Any]:
        """Rows as objects with the serializer's keys; `id` is the table's key, whatever it is called."""
        found = self._searched(search)
        statement = self.select().where(*clauses, *clauses_of(found)).order_by(*self._order(order))
        statement = statement.limit(limit).offset(offset or None)
        shape = self.resource.listing.shape()
        rows = (await session.execute(statement, values_of(found))).all()
        return [SimpleNamespace(**{"id": row[0], **shape.build(row[1:])}) for row in rows]

    async def count(self, session: RequestSession, *clauses: ColumnElement[bool], search: str | None = None) -> int:
        """How many rows there are."""
        found = self._searched(search)
        statement = self._count().where(*clauses, *clauses_of(found))
        number: int = (await session.execute(statement, values_of(found))).scalar_one()
        return number

    def select(self) -> Select[Any]:
        """The key, and what the serializer answers."""
        key = self.resource.listing.key()
        return select(key, *self.resource.listing.shape().columns).select_from(self.resource.model)

    def has_keys(self, keys: Collection[Any]) -> ColumnElement[bool]:
        """The rows with these keys."""
        clause: ColumnElement[bool] = self.resource.listing.key().in_(keys)
        return clause

    def key(self, text: str) -> Any:  # noqa: ANN401 - of the key's type
        """A key that an address names; None where it can't be one."""
        kind = self.resource.listing.key().type
        try:
            key = read_text(kind.python_type, text)
        except (ArithmeticError, TypeError, ValueError, Invalid):
            return None
        return key if is_in_range(kind, key) else None

    def statements(self) -> Iterator[Sent]:
        """Every statement of its pages, with samples of values."""
        name = f"admin {self.table}"
        yield Sample(f"{name} rows", self.select().where(self.has_keys([self._sample_key()])))
        yield Sample(
            f"{name} count", self._count().where(*clauses_of(found := self._searched("sample"))), values_of(found)
        )
        if self.is_writable:
            for sample in self.resource.write_samples():
                yield replace(sample, name=f"{name} {sample.name}")
            yield Deletion(self.table)

    def _count(self) -> Select[Any]:
        return select(func.count()).select_from(self.resource.model)

    def _sample_key(self) -> Any:  # noqa: ANN401 - of the key's type
        return sample_of(self.resource.listing.key().type.python_type)

    def _searched(self, text: str | None) -> tuple[Any, ...]:
        return self.resource.criteria({"search": text}) if text else ()

    def _order(self, order: Sequence[tuple[str, str]]) -> Iterator[Any]:
        for name, direction in order:
            column = self.resource.listing.expression(name)
            yield column.desc() if direction == "desc" else column.asc()
        # Rows that are equal otherwise stand in one order on every page.
        yield self.resource.listing.key().desc()


def form_errors(errors: object) -> FormValidationError:
    """What a serializer refuses, beside the fields of a form."""
    if not isinstance(errors, Mapping):
        return FormValidationError({"non_field_errors": sentences(errors)})
    return FormValidationError({name: sentences(found) for name, found in errors.items()})


def sentences(found: object) -> str:
    """Errors of one field, in one line."""
    if isinstance(found, Mapping):
        return " ".join(sentences(each) for each in found.values())
    return " ".join(map(sentences, found)) if isinstance(found, list | tuple) else str(found)
