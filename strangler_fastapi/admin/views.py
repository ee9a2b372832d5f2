"""The pages of one table: what they show is read, and what they change is written, by its AdminModel."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import escape
from sqlalchemy import ColumnElement
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette_admin.actions import link_row_action
from starlette_admin.contrib.sqla.filters import SqlaFilterRegistry, build_filter_clause
from starlette_admin.exceptions import ActionFailed
from starlette_admin.fields import BaseField, RelationField
from starlette_admin.filters import FilterGroup, FilterRegistry
from starlette_admin.helpers import view_list_url
from starlette_admin.types import RequestAction
from starlette_admin.views import BaseModelView

from shared_schema.contract.deletion import ProtectedError
from strangler_fastapi.admin.form_fields import form_field
from strangler_fastapi.admin.history import ADDED, CHANGED, DELETED, AdminHistory, model_name
from strangler_fastapi.admin.models import AdminModel, Values, form_errors
from strangler_fastapi.admin.staff import StaffUser, transaction
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.errors import ValidationFailed

_FILTERS: Final = SqlaFilterRegistry()
_PAGE: Final = 50


class AdminView(BaseModelView):
    """The pages of `model`.

    Args:
        model: what the project says of the table.
        key_of: the key of the pages of a mapped class's rows; None where it has none.
        views: the pages of that key; None where there are none.
        history: where changes are recorded.
    """

    pk_attr = "id"
    page_size = _PAGE
    page_size_options = (25, _PAGE, 100)
    importers = ()

    def __init__(
        self,
        model: AdminModel,
        *,
        key_of: Callable[[type], str | None],
        views: Callable[[str], "AdminView | None"],
        history: AdminHistory,
    ) -> None:
        self.admin_model = model
        # Whose attributes the library's filters look at.
        self.model = _Columns(model.resource)
        self._views = views
        self._history = history
        serializer = model.resource.serializer
        self.key = model.table
        self.display_name = model.noun.capitalize()
        self.menu_label = model.label or f"{self.display_name}s"
        self.icon = model.icon
        self.fields = [form_field(name, field, key_of) for name, field in serializer.fields.items()]
        self.exclude_fields_from_list = [name for name in serializer.fields if name not in model.list_display]
        # The library's name for what filters are offered for.
        self.searchable_fields = model.list_filter
        self.sortable_fields = tuple(model.resource.listing.orderings)
        terms = model.resource.ordering
        self.fields_default_sort = [(term.removeprefix("-"), term.startswith("-")) for term in terms]
        super().__init__()

    def is_accessible(self, request: Request) -> bool:
        """Whether the user may view or change rows; see BaseView."""
        return self._may(request, "view") or self.can_edit(request)

    def can_create(self, request: Request) -> bool:
        """See BaseModelView."""
        return self.admin_model.is_writable and self._may(request, "add")

    def can_edit(self, request: Request) -> bool:
        """See BaseModelView."""
        return self.admin_model.is_writable and self._may(request, "change")

    def can_delete(self, request: Request) -> bool:
        """See BaseModelView."""
        return self.admin_model.is_writable and self._may(request, "delete")

    def can_import(self, request: Request) -> bool:  # noqa: ARG002 - see BaseModelView
        """Nobody may: rows come from forms alone."""
        return False

    def can_access_field(self, request: Request, field: BaseField, action: Any = None) -> bool:  # noqa: ANN401 - the library's own
        """Whether the user may see or set a field; see BaseModelView."""
        asked = action if action is not None else request.state.action
        if asked.is_form() and field.name in self.admin_model.superuser_fields and not _user(request).is_superuser:
            return False
        allowed: bool = super().can_access_field(request, field, action)
        return allowed

    async def is_row_action_allowed_for_obj(self, request: Request, name: str, obj: Any) -> bool:  # noqa: ANN401 - a row
        """See BaseModelView."""
        allowed: bool = await super().is_row_action_allowed_for_obj(request, name, obj)
        return allowed and (name not in ("edit", "delete") or self.admin_model.may_change(_user(request), obj))

    def get_filter_registry(self) -> FilterRegistry:
        """See BaseModelView."""
        return _FILTERS

    async def repr(self, obj: Any, request: Request) -> str:  # noqa: ANN401, ARG002 - a row
        """See BaseModelView."""
        return self.admin_model.text(obj)

    async def select2_result(self, obj: Any, request: Request) -> str:  # noqa: ANN401 - a row
        """See BaseModelView."""
        return f"<span>{escape(await self.repr(obj, request))}</span>"

    async def find_all(
        self,
        request: Request,
        skip: int = 0,
        limit: int = 100,
        q: str | None = None,
        sorts: Sequence[tuple[str, str]] | None = None,
        filters: FilterGroup | None = None,
    ) -> Sequence[Any]:
        """See BaseModelView."""
        async with transaction(request) as session:
            rows = await self.admin_model.rows(
                session,
                *self._clauses(request, filters),
                search=q,
                order=sorts or (),
                limit=limit if limit >= 0 else None,
                offset=skip,
            )
            return await self._related(request, session, rows)

    async def count(self, request: Request, q: str | None = None, filters: FilterGroup | None = None) -> int:
        """See BaseModelView."""
        async with transaction(request) as session:
            return await self.admin_model.count(session, *self._clauses(request, filters), search=q)

    async def find_by_pk(self, request: Request, pk: Any) -> Any:  # noqa: ANN401 - a row
        """See BaseModelView."""
        return next(iter(await self.find_by_pks(request, [pk])), None)

    async def find_by_pks(self, request: Request, pks: list[Any]) -> Sequence[Any]:
        """See BaseModelView."""
        async with transaction(request) as session:
            return await self._related(request, session, await self._by_keys(session, self._keys(pks)))

    async def create(self, request: Request, data: Values) -> Any:  # noqa: ANN401, ARG002 - `data` is of the library's own reading
        """Writes a new row; see BaseModelView."""
        user = _user(request)
        with _refusals():
            async with transaction(request) as session:
                values = await self.admin_model.clean(session, await _form(request), user, None)
                key = await self.admin_model.resource.add(session, values)
                row = (await self._by_keys(session, [key]))[0]
                await self._record(session, user, row, ADDED, [{"added": {}}])
                return row

    async def edit(self, request: Request, pk: Any, data: Values) -> Any:  # noqa: ANN401, ARG002 - as above
        """Changes a row; see BaseModelView."""
        user = _user(request)
        with _refusals():
            async with transaction(request) as session:
                (before,) = await self._changeable(session, user, [pk])
                values = await self.admin_model.clean(session, await _form(request), user, before.id)
                await self.admin_model.resource.save(session, before.id, values)
                row = (await self._by_keys(session, [before.id]))[0]
                changed = self._changed(before, row, values)
                message = [{"changed": {"fields": changed}}] if changed else []
                await self._record(session, user, row, CHANGED, message)
                return row

    async def delete(self, request: Request, pks: list[Any]) -> int:
        """Deletes rows, with what Django deletes along with them; see BaseModelView.

        Raises:
            ActionFailed: others point at one of them, or the user may not delete what would go along.
        """
        user = _user(request)
        async with transaction(request) as session:
            rows = await self._changeable(session, user, pks)
            for row in rows:
                await self._record(session, user, row, DELETED, [])
            try:
                gone = await self.admin_model.resource.remove(session, [row.id for row in rows])
            except ProtectedError as error:
                raise ActionFailed(str(error)) from None
            for table in gone:
                view = self._views(table)
                if view is not None and not user.may(view.admin_model.permission("delete")):
                    raise ActionFailed(f"You may not delete what would go along: {view.menu_label}.")
        return len(rows)

    @link_row_action(name="history", text="History", icon_class="fa-solid fa-clock-rotate-left")
    def row_action_history(self, request: Request, pk: Any) -> str:  # noqa: ANN401 - a key
        """What was done to a row."""
        model = ".".join(model_name(self.admin_model.resource.model))
        chosen = f"model__eq={json.dumps(model)} AND object_id__eq={json.dumps(str(pk))}"
        return f"{view_list_url(request, self._history.entry.__table_key__)}?{urlencode({'filter': chosen})}"

    def _may(self, request: Request, verb: str) -> bool:
        return _user(request).may(self.admin_model.permission(verb))

    def _clauses(self, request: Request, filters: FilterGroup | None) -> list[ColumnElement[bool]]:
        if filters is None:
            return []
        _with_zones(filters)
        fields = {field.name: field for field in self.fields}
        clause = build_filter_clause(filters, fields, _FILTERS, self, request)
        return [] if clause is None else [clause]

    def _keys(self, pks: Sequence[Any]) -> list[Any]:
        keys = (self.admin_model.key(str(pk)) for pk in pks)
        return [key for key in keys if key is not None]

    async def _by_keys(self, session: RequestSession, keys: Sequence[Any]) -> list[Any]:
        return await self.admin_model.rows(session, self.admin_model.has_keys(keys)) if keys else []

    async def _related(self, request: Request, session: RequestSession, rows: list[Any]) -> list[Any]:
        """The rows with those that they point at in the place of keys, as far as the page shows them."""
        action = request.state.action
        fields = [field for field in self.get_fields_list(request) if isinstance(field, RelationField)]
        for field in fields:
            view = self._views(field.key or "")
            assert view is not None  # noqa: S101 - checked as the admin is made
            keys = {key for row in rows for key in _as_list(getattr(row, field.name))}
            if action.is_form() or action is RequestAction.EXPORT:
                found = {key: SimpleNamespace(id=key) for key in keys}
            else:
                found = {row.id: row for row in await view._by_keys(session, [*keys])}  # noqa: SLF001 - its own class
            for row in rows:
                value = getattr(row, field.name)
                related = [found[key] for key in value if key in found] if field.multiple else found.get(value)
                setattr(row, field.name, related)
        return rows

    async def _changeable(self, session: RequestSession, user: StaffUser, pks: Sequence[Any]) -> list[Any]:
        rows = await self._by_keys(session, self._keys(pks))
        if not rows:
            raise HTTPException(404)
        if not all(self.admin_model.may_change(user, row) for row in rows):
            raise HTTPException(403, "You may not change an account of more rights than yours.")
        return rows

    async def _record(self, session: RequestSession, user: StaffUser, row: Any, action: int, message: object) -> None:  # noqa: ANN401 - a row
        text, model = self.admin_model.text(row), self.admin_model.resource.model
        await self._history.record(
            session, user_id=user.id, model=model, key=row.id, text=text, action=action, message=message
        )

    def _changed(self, before: Any, after: Any, values: Values) -> list[str]:  # noqa: ANN401 - rows
        """The labels of what was changed; of a password nobody can see whether it is another."""
        fields = self.admin_model.resource.serializer.fields
        labels = {field.name: field.label or field.name for field in self.fields}
        return [
            labels[name]
            for name, field in fields.items()
            if (field.write_only and (field.source or name) in values)
            or (not field.write_only and getattr(before, name) != getattr(after, name))
        ]


class _Columns:
    """The attributes of a class, and the annotations of its resource, by name."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a mapped attribute, or an SQL expression
        return self._resource.column(name)


def _user(request: Request) -> StaffUser:
    user: StaffUser = request.state.admin_user
    return user


async def _form(request: Request) -> Form:
    pairs = (await request.form()).multi_items()
    return Form((name, value) for name, value in pairs if isinstance(value, str))


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - a key, keys, or None
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _with_zones(filters: FilterGroup) -> None:
    """Moments that were typed in are UTC, as the pages show them."""
    for rule in filters.rules:
        if isinstance(rule, FilterGroup):
            _with_zones(rule)
            continue
        for name in ("value", "value2"):
            value = getattr(rule, name)
            if isinstance(value, datetime) and value.tzinfo is None:
                setattr(rule, name, value.replace(tzinfo=UTC))


@contextmanager
def _refusals() -> Iterator[None]:
    """What a serializer refuses, as the library shows it."""
    try:
        yield
    except ValidationFailed as error:
        raise form_errors(error.body) from None
