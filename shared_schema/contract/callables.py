"""Django's callables (defaults, `on_delete`), replaced by library functions or ones that a service registers."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from pkgutil import resolve_name
from typing import Any, Final

from sqlalchemy import ColumnElement
from sqlalchemy.exc import DontWrapMixin

from shared_schema.contract.values import WITH_TIME_ZONE, as_column

NOW: Final = "django.utils.timezone.now"
# The same moment, and its day, in TIME_ZONE.
_LOCAL: Final = {"django.utils.timezone.localtime": "", "django.utils.timezone.localdate": "date"}

# Of a session, a table, its column and the values in it.
OnDelete = Callable[[Any, str, str, list[Any]], Awaitable[None]]

_registered: dict[str, Callable[[], object]] = {}
_on_delete: dict[str, OnDelete] = {}


class UnknownCallable(DontWrapMixin, Exception):
    """A value that only the Django project can compute is needed."""


def callable_register(path: str, function: Callable[[], object]) -> None:
    """Has `function` called where Django calls `path`, as the contract names it: `shop.models.new_code`.

    It may answer a SQL expression where rows are deleted (`SET(shop.models.heir)`): the database evaluates it then.
    """
    _registered[path] = function


def on_delete_register(path: str, function: OnDelete) -> None:
    """Has `function` see to rows where Django calls `path`, an `on_delete` of the project's: `shop.models.archive`.

    It is called before anything is deleted, with the session, the table and the column that point, and the values of
    those that are to be deleted; rows that it leaves pointing at them are the database's to refuse.
    """
    _on_delete[path] = function


def on_delete_of(path: str) -> OnDelete | None:
    """What was registered for an `on_delete` of the project's."""
    return _on_delete.get(path)


def callable_of(path: str, *, type_name: str, column: str) -> Callable[[], Any]:
    """What gives `path`'s value for `column`, which is of that type; called as often as Django would.

    It raises UnknownCallable where no function is registered for one of the project's own.
    """

    def call() -> Any:  # noqa: ANN401 - whatever the column holds
        function = _registered.get(path) or _known(path, type_name)
        if function is None:
            raise UnknownCallable(
                f"Column {column} has no value, and Django would call {path} for one: give a value, or register"
                f' what gives it, `callable_register("{path}", …)` of shared_schema.contract.callables.'
            )
        value = function()
        return value if isinstance(value, ColumnElement) else as_column(value, type_name)

    return call


def is_callable_known(path: str) -> bool:
    """Whether `callable_of` has a function to call in the place of `path`."""
    return path in _registered or _known(path, "") is not None


def now(type_name: str) -> date | time | datetime:
    """The time as Django writes it: that of the service's place in a date or a time, aware where the column is."""
    if type_name.startswith(("date", "time ")):
        local = datetime.now().astimezone()
        return local.date() if type_name == "date" else local.time()
    return datetime.now(UTC) if type_name.endswith(WITH_TIME_ZONE) else datetime.now()  # noqa: DTZ005 - USE_TZ is off


def _known(path: str, type_name: str) -> Callable[[], object] | None:
    if path == NOW:
        return lambda: now(type_name)
    if path in _LOCAL:
        return lambda: now(_LOCAL[path] or type_name)
    if path.partition(".")[0] in sys.stdlib_module_names:
        function: Callable[[], object] = resolve_name(path)
        return function
    return None
