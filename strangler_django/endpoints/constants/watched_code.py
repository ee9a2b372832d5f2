"""Code of a project's own that gives the same whoever asks, and whenever: proved by watching it run.

class ItemManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(tenant=get_current_tenant())

Each function of the project's that runs may read constants, classes and what it is given; of Django and of Python it
may call what builds querysets and plain values. Whatever else it reads or calls (a clock, what a thread or a context
keeps, a setting, a cache, a connection, the request) may be another at the next request. Branches that didn't run
don't matter: what was decided by constants is decided so each time.
"""

import builtins
import dis
import enum
import functools
import gc
import inspect
import logging
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import FrameType, GenericAlias, ModuleType, UnionType
from typing import Any, Final
from uuid import UUID

from django.db.models import Field, Model, Prefetch, Q, QuerySet
from django.db.models.manager import BaseManager
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from strangler_django.contract.unconnected import databases_closed
from strangler_django.endpoints.constants.changed_names import is_changed, is_changed_by, is_holder, is_state_of_classes

# What a view knows of one request, and a serializer of its context.
_OF_REQUEST: Final = frozenset({"args", "format_kwarg", "headers", "kwargs", "response", "swagger_fake_view"})
_OF_CONTEXT: Final = frozenset(
    {"_args", "_context", "_kwargs", "context", "initial_data", "instance", "parent", "partial", "root"}
)
# Whose functions are not looked into, and those of them that code of a project may call: they build objects.
_LIBRARIES: Final = (
    *("asgiref.", "django.", "django_filters.", "psycopg.", "psycopg2.", "rest_framework."),
    *("rest_framework_simplejwt.", "strangler_django."),
)
_BUILDING: Final = (
    *("django.apps.", "django.contrib.postgres.", "django.db.models.", "django.utils.deconstruct"),
    *("django.utils.functional", "django_filters.", "rest_framework.fields", "rest_framework.permissions"),
    *("rest_framework.relations", "rest_framework.serializers", "rest_framework.throttling"),
    *("rest_framework.utils.", "rest_framework.validators"),
)
_HOOKS: Final = frozenset(
    {
        *("__init__", "get_authenticators", "get_parsers", "get_permissions", "get_queryset", "get_renderers"),
        *("get_serializer_class", "get_throttles", "get_user_model"),
    }
)
# Of Python's.
_MODULES: Final = frozenset(
    {
        *("_collections_abc", "abc", "collections", "contextlib", "copy", "dataclasses", "decimal", "enum"),
        *("functools", "importlib", "inspect", "itertools", "logging", "math", "operator", "re", "types"),
        *("typing", "uuid"),
    }
)
_FUNCTIONS: Final = frozenset(
    {
        *("__build_class__", "__import__", "abs", "all", "any", "callable", "isinstance", "issubclass", "iter"),
        *("len", "max", "min", "next", "print", "repr", "round", "sorted", "sum"),
    }
)
_MAKING: Final = frozenset({"__init__", "__init_subclass__", "__new__", "__subclasshook__"})
_LOADS: Final = ("LOAD_DEREF", "LOAD_FAST", "LOAD_GLOBAL", "LOAD_NAME")
_ATTRIBUTES: Final = ("LOAD_ATTR", "LOAD_METHOD")
_TYPES: Final = (GenericAlias, UnionType)
_PLAIN: Final = (bool, int, float, complex, str, bytes, Decimal, UUID, range, re.Pattern, enum.Enum, logging.Logger)
_DJANGOS: Final = (BaseManager, QuerySet, Q, Prefetch, Field, serializers.Field)
_DEEPEST: Final = 4
# What nothing is known of, and what isn't there.
_UNKNOWN: Final = object()


def state_read(call: Callable[[], Any]) -> str | None:
    """What a call reads that may be another at the next request; None where it gives the same each time.

    No database answers meanwhile: what reads rows is no constant.
    """
    watch, before, collects = _Watch(), sys.getprofile(), gc.isenabled()
    try:
        with databases_closed("it reads rows"):
            # What libraries do when garbage is collected (`gc.callbacks`) is none of the call's.
            gc.disable()
            sys.setprofile(watch)
            try:
                call()
            finally:
                sys.setprofile(before)
                if collects:
                    gc.enable()
    except Exception as error:  # noqa: BLE001 - whatever the project's own code raises
        return watch.found or type(error).__name__
    return watch.found


class _Watch:
    """A profiler's function; `found` is the first thing that may be another at the next request."""

    def __init__(self) -> None:
        self.found: str | None = None

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:  # noqa: ANN401 - as Python passes it
        if self.found is None and event == "call":
            self.found = self._called(frame)
        elif self.found is None and event == "c_call" and not _is_library(frame):
            self.found = _unknown_builtin(argument)

    @staticmethod
    def _called(frame: FrameType) -> str | None:
        if not _is_library(frame):
            return next(_states_of(frame), None)
        module, name, caller = str(frame.f_globals.get("__name__", "")), frame.f_code.co_name, frame.f_back
        if name == "refuse" and module == databases_closed.__module__:
            # Code of the project's own may go on without the rows.
            return "rows"
        if caller is None or _is_library(caller):
            return None
        if (module, name) == (Request.__module__, "__getattr__"):
            # Of its attributes only the method is read, as `_states_at` has seen.
            return None
        is_known = module.startswith(_BUILDING) or module.partition(".")[0] in _MODULES or name in _HOOKS
        return None if is_known else f"{module}.{name}"


def _is_library(frame: FrameType) -> bool:
    """Whether a function is Django's, Python's or this library's."""
    return str(frame.f_globals.get("__name__", "")).startswith(_LIBRARIES) or _is_pythons(frame.f_code.co_filename)


@functools.cache
def _is_pythons(path: str) -> bool:
    # Not by the module's name: an app may be called `calendar`.
    library = sysconfig.get_path("stdlib")
    is_there = path.startswith((library, "<frozen importlib"))
    return is_there and "site-packages" not in path and "dist-packages" not in path


def _unknown_builtin(function: Any) -> str | None:  # noqa: ANN401 - a function of C's
    """Its name, unless all that it does is to build a value of what it is given."""
    owner, name = getattr(function, "__self__", None), str(getattr(function, "__name__", ""))
    if owner is None or name in _MAKING:
        return None
    if isinstance(owner, ModuleType):
        module = owner.__name__
        is_known = name in _FUNCTIONS if owner is builtins else module.lstrip("_").partition(".")[0] in _MODULES
        return None if is_known else f"{module}.{name}"
    kind = owner if isinstance(owner, type) else type(owner)
    is_plain = kind.__module__ in ("builtins", "collections") or issubclass(kind, _PLAIN)
    return None if is_plain else f"{kind.__qualname__}.{name}"


def _states_of(frame: FrameType) -> Iterator[str]:
    """What a function of the project's reads by its names: of modules, of classes, of its arguments."""
    known, instructions = dict(frame.f_locals), list(dis.get_instructions(frame.f_code))
    instructions = [each for each in instructions if each.opname not in ("CACHE", "NOP", "PUSH_NULL")]
    value = _UNKNOWN
    for each in instructions:
        if each.opname in _ATTRIBUTES:
            name = str(each.argval)
            if value is _UNKNOWN and is_state_of_classes(name):
                yield name
            yield from _states_at(value, name)
            value = _attribute(value, name)
            continue
        if isinstance(value, Request):
            yield "the request"
        if each.opname in ("STORE_ATTR", "DELETE_ATTR") and isinstance(value, APIView):
            yield f"{each.argval}, which it sets"
        value = _UNKNOWN
        if each.opname == "IMPORT_FROM":
            yield from _states_in(str(each.argval), _imported(instructions, each, frame))
        elif each.opname.startswith(_LOADS):
            name = str(each.argval[-1] if isinstance(each.argval, tuple) else each.argval)
            value = known[name] if name in known else _global(name, frame)
            if name not in known and each.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME")):
                yield from _states_in(name, value)


def _global(name: str, frame: FrameType) -> Any:  # noqa: ANN401 - whatever a module has under that name
    return frame.f_globals.get(name, _UNKNOWN)


def _imported(instructions: list[dis.Instruction], found: dis.Instruction, frame: FrameType) -> Any:  # noqa: ANN401 - as above
    """What a function imports by a name from a module."""
    before = instructions[: instructions.index(found)]
    number = max(number for number, each in enumerate(before) if each.opname == "IMPORT_NAME")
    level, path = before[number - 2].argval, str(before[number].argval)
    package = str(frame.f_globals.get("__package__") or "")
    parents = package.rsplit(".", level - 1)[:1] if level else []
    module = sys.modules.get(".".join((*parents, *([path] if path else []))))
    return getattr(module, str(found.argval), _UNKNOWN)


def _attribute(value: Any, name: str) -> Any:  # noqa: ANN401 - as above
    """An attribute as far as no code is run for it."""
    if value is _UNKNOWN:
        return _UNKNOWN
    if isinstance(value, APIView) and name == "request":
        return value.request
    found = inspect.getattr_static(value, name, _UNKNOWN)
    return _UNKNOWN if hasattr(type(found), "__get__") and not isinstance(found, type) else found


def _states_at(value: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - as above
    """The attribute of a value, if it may be another at the next request."""
    if value is _UNKNOWN:
        return
    if isinstance(value, Request):
        if name != "method":
            yield f"request.{name}"
        return
    of_one = _OF_REQUEST if isinstance(value, APIView) else _OF_CONTEXT if isinstance(value, serializers.Field) else ()
    if name in of_one:
        yield name
    if isinstance(value, APIView) and name == "request":
        return
    found = inspect.getattr_static(value, name, _UNKNOWN)
    if found is _UNKNOWN or _is_code(found):
        yield from [name] if _gives_state(name, found) else []
    elif isinstance(value, ModuleType | type):
        yield from _states_in(name, found)
    elif not _is_constant(found) or is_changed_by(type(value), name):
        yield name


def _states_in(name: str, found: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """The name, if what a module or a class has under it may be another at the next request."""
    if found is _UNKNOWN:
        return
    if _is_code(found):
        yield from [name] if _gives_state(name, found) else []
    elif not _is_constant(found) or is_changed(name):
        yield name


def _is_code(found: Any) -> bool:  # noqa: ANN401 - as above
    """Whether it is a class, a module, or what runs code: that is watched as it does."""
    return isinstance(found, type | ModuleType) or inspect.isroutine(found) or hasattr(type(found), "__get__")


def _gives_state(name: str, found: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a function may give something else at the next request by itself, or what others have changed."""
    return _keeps_values(found) or (inspect.isroutine(found) and is_holder(name))


def _keeps_values(found: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a function may answer with what it answered before (`lru_cache`)."""
    return hasattr(getattr(found, "__func__", found), "cache_info")


def _is_constant(found: Any, depth: int = 0) -> bool:  # noqa: ANN401 - as above
    kind = type(found)
    if found is None or found is Ellipsis or isinstance(found, (*_PLAIN, *_TYPES)) or kind.__module__ == "typing":
        return True
    if depth < _DEEPEST and isinstance(found, list | tuple | set | frozenset):
        return all(_is_constant(each, depth + 1) for each in found)
    if depth < _DEEPEST and isinstance(found, Mapping):
        return all(_is_constant(each, depth + 1) for each in found.values())
    is_djangos = isinstance(found, _DJANGOS) or kind.__module__.startswith(("django.db.models.", "rest_framework."))
    is_of_request = isinstance(found, Model | Request) or kind.__module__ == "rest_framework.settings"
    return (is_djangos and not is_of_request) or (_is_code(found) and not _keeps_values(found))
