"""Whether the rows of a queryset are chosen by what may be another at the next request.

class Items(ModelViewSet):
    queryset = Item.objects.for_current()
"""

import ast
import functools
import sys
from typing import Any

from django.db.models import QuerySet
from django.db.models.manager import BaseManager

from strangler_django.endpoints.constants.watched_code import state_read
from strangler_django.python_source import source_of


def rows_state(rows: Any, owner: type | None = None, name: str = "") -> str | None:  # noqa: ANN401 - a queryset, or a manager
    """What rows are chosen by that may be another at the next request; None where they are the same each time.

    They are asked anew each time. A queryset was made once, as the attribute `name` of the class `owner`: when that was
    loaded, which may be while a request runs.
    """
    if not isinstance(rows, BaseManager | QuerySet):
        return None
    found = state_read(rows.all)
    if found is not None or isinstance(rows, BaseManager):
        return found
    declared = _declaration(owner, name) if owner else None
    if declared is None:
        # Any of the managers may have made it.
        managers = (state_read(each.all) for each in rows.model._meta.managers)  # noqa: SLF001 - so Django documents it
        return next((each for each in managers if each is not None), None)
    return _declared_state(declared, name)


@functools.cache
def _declaration(owner: type, name: str) -> tuple[type, ast.expr] | None:
    """The expression that a class gives an attribute, and that class; None where the code isn't there."""
    for cls in owner.__mro__:
        made = source_of(cls)
        # Names that a function has are gone.
        if made is None or "<locals>" in cls.__qualname__:
            return None
        for statement in reversed(getattr(made, "body", [])):
            match statement:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                    return cls, value
                case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                    return cls, value
        if name in vars(cls):
            return None
    return None


def _declared_state(declared: tuple[type, ast.expr], name: str) -> str | None:
    cls, code = declared
    made = compile(ast.fix_missing_locations(ast.Expression(code)), f"<{cls.__qualname__}.{name}>", "eval")
    known = vars(sys.modules[cls.__module__])
    return state_read(lambda: eval(made, known, dict(vars(cls))))  # noqa: S307 - the project's own code, as it was loaded
