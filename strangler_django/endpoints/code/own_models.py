"""Code of a project's own in models, managers and querysets by which rows are found, read or made in another way."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
import inspect
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from django.db.models import signals
from django.db.models.sql import Query

from strangler_django.contract.tables import overrides, receivers
from strangler_django.endpoints.code.conditions import is_narrowed
from strangler_django.endpoints.code.own_code import code_of, is_own
from strangler_django.endpoints.constants.watched_code import state_read
from strangler_django.python_source import source_of

# Methods by which Django and DRF find and read the rows of a queryset.
_READING: Final = (
    *("__bool__", "__getitem__", "__init__", "__iter__", "__len__", "_chain", "_clone", "_fetch_all"),
    *("_filter_or_exclude", "_iterator", "all", "annotate", "count", "distinct", "exclude", "exists", "filter"),
    *("get", "iterator", "none", "order_by", "reverse", "select_related", "prefetch_related", "using"),
)
_FINDING: Final = ("all", "filter", "get")
# What django-imagekit and django-cleanup call of each new row remembers its files, to compare them as it is saved.
_LIBRARIES: Final = ("django.", "rest_framework.", "imagekit.", "django_cleanup.")
# Functions that change nothing of what they get.
_LOOKS: Final = frozenset({"getattr", "hasattr", "hash", "isinstance", "len", "str", "type"})


def reads_rows(cls: type) -> bool:
    """Whether a queryset's class has code of its own by which rows are read: it may leave some out at that moment."""
    return any(is_own(cls, name) for name in _READING)


def own_manager(manager: Any) -> bool:  # noqa: ANN401 - a manager
    """Whether code of the project's own gives other rows of a manager than all of its model, or in another order."""
    # A manager has the methods of its queryset's class, as they are wrapped.
    if any(is_own(type(manager), name) for name in _FINDING) or reads_rows(manager._queryset_class):
        return True
    if not is_own(type(manager), "get_queryset"):
        return False
    return state_read(manager.all) is not None or _chooses(manager.all())


def _chooses(queryset: Any) -> bool:  # noqa: ANN401 - as above
    query = queryset.query
    is_other = query.order_by or query.annotations or query.extra or query.deferred_loading[0]
    return bool(is_other) or is_narrowed(query) or reads_rows(type(queryset)) or type(query) is not Query


def own_creation(model: Any) -> str | None:  # noqa: ANN401 - a model class
    """The code of the project's own by which a ModelSerializer makes a new row; None where it is Django's."""
    manager = model._default_manager
    is_there = is_own(type(manager), "create") or is_own(manager._queryset_class, "create")
    if is_there:
        return f"{type(manager).__name__}.create"
    return next(chain(changed_rows(model), proxy_writes(model)), None)


def changed_rows(model: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """The code of the project's own that gives a row, once it is read, other values than its columns have."""
    names = {each.name for each in model._meta.fields} | {each.attname for each in model._meta.fields}
    for method in ("__init__", "from_db", "__getattribute__"):
        if is_own(model, method) and not _keeps(inspect.getattr_static(model, method), names):
            yield f"{model._meta.object_name}.{method}"
    for signal, name in ((signals.pre_init, "pre_init"), (signals.post_init, "post_init")):
        receivers = chain.from_iterable(signal._live_receivers(model))
        yield from (f"signal {name}" for each in receivers if not _remembers(each, names))


def own_users(model: Any) -> str | None:  # noqa: ANN401 - as above
    """The project's own code by which callers are found, which may leave some out; None where it is Django's."""
    # simplejwt's, those of sessions, and those of a token's foreign key.
    managers = getattr(model, "objects", None), model._default_manager, model._base_manager
    own = (f"{type(each).__name__}.get_queryset" for each in managers if each is not None and own_manager(each))
    return next(chain(own, changed_rows(model)), None)


def own_sign_in(model: Any) -> str | None:  # noqa: ANN401 - as above
    """The project's own code that finds a user by the name which a sign-in says; None where it is Django's."""
    manager = model._default_manager
    return f"{type(manager).__name__}.get_by_natural_key" if is_own(type(manager), "get_by_natural_key") else None


def proxy_writes(model: Any) -> list[str]:  # noqa: ANN401 - as above
    """What of the project Django calls as it writes a row of a proxy and not of the model itself, or the reverse."""
    named, concrete = ({*overrides(each), *receivers(each)} for each in (model, model._meta.concrete_model))
    return sorted(named ^ concrete)


def _remembers(receiver: Any, names: set[str]) -> bool:  # noqa: ANN401 - a function or a method
    """Whether a receiver of a new row gives it attributes alone, by code of its own that hands the row to nobody."""
    if str(receiver.__module__).startswith(_LIBRARIES):
        return True
    made = source_of(code_of(receiver))
    if not isinstance(made, ast.FunctionDef) or not _keeps(receiver, names):
        return False
    return not any(isinstance(node, ast.Call) and _passes_on(node) for node in ast.walk(ast.Module(made.body, [])))


def _passes_on(call: ast.Call) -> bool:
    """Whether a call may change a row that its caller holds: by a method of it, or because it gets it."""
    if isinstance(call.func, ast.Name) and call.func.id in _LOOKS:
        return False
    given = (call.func, *call.args, *(each.value for each in call.keywords))
    return any(isinstance(node, ast.Name) for each in given for node in ast.walk(each))


def _keeps(method: Any, names: set[str]) -> bool:  # noqa: ANN401 - whatever a class has under a name
    """Whether a method gives attributes to a row and changes none of its columns, as far as its code says."""
    made = source_of(code_of(method))
    if made is None:
        return False
    for node in ast.walk(made):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()) if name in names:
                return False
            case ast.Name(id="setattr" | "vars" | "exec") | ast.Attribute(attr="__dict__" | "__setattr__"):
                return False
    return True


def model_facts(model: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """The name of a model, its table, and what writing one of its rows calls (`proxy_writes`)."""
    return {"label": model._meta.label, "table": model._meta.db_table, "writes": proxy_writes(model)}
