"""The commonest methods of a project's own, each read from its code in exactly one shape.

def list(self, request, *args, **kwargs):
    return super().list(request, *args, **kwargs)

def __str__(self):
    return self.name
"""

import ast
import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.transaction import Atomic

from strangler_django.endpoints.cached_pages import undecorated
from strangler_django.endpoints.constants.changed_names import is_changed
from strangler_django.python_source import source_of

_LIBRARIES: Final = ("rest_framework.", "django.")
# Decorators that say something of a method to a document, and change nothing of what it does.
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_DOCUMENTING: Final = frozenset(
    {"extend_schema", "extend_schema_field", "swagger_auto_schema", "swagger_serializer_method"}
)
_DOCUMENTS: Final = ("drf_spectacular.", "drf_yasg.")


# What is the same for each request of one method.
_OF_VIEW: Final = frozenset({"self.request.method", "self.action", "self.serializer_class", "self.permission_classes"})


class UnreadError(Exception):
    """The code does something else than what is read here."""


@dataclass(frozen=True)
class AnsweringSerializer:
    """The serializer `cls` by which another of a project's answers, as its `method` says.

    `to_representation` answers with the items of lists too (`answers_items`), the property `data` with single rows.
    One without the context (`has_context`) doesn't know the request.
    """

    cls: type[Any]
    method: str
    has_context: bool

    @property
    def answers_items(self) -> bool:
        """Whether items of lists are answered by it too."""
        return self.method == "to_representation"


def answering_serializer(cls: type) -> AnsweringSerializer | None:
    """What a serializer answers by; None of one that answers by itself, or by code that isn't read.

    def to_representation(self, instance):
        return OrderSerializer(instance, context=self.context).data
    """
    for method, row in (("to_representation", None), ("data", "self.instance")):
        function = code_of(next((vars(each)[method] for each in cls.__mro__ if method in vars(each)), None))
        if str(getattr(function, "__module__", "")).startswith(_LIBRARIES):
            continue
        made = method_of(function, but=("property",))
        names = [each.arg for each in made.args.args] if made else []
        match only_statement(made):
            case ast.Return(
                value=ast.Attribute(value=ast.Call(func=called, args=args, keywords=keywords), attr="data")
            ) if names[:1] == ["self"] and len(names) == (2 if row is None else 1):
                found = named(called, names_of(function))
                given = [("instance", each) for each in args] + [(each.arg, each.value) for each in keywords]
                texts = {name: ast.unparse(each) for name, each in given}
                context = texts.pop("context", None)
                is_plain = texts == {"instance": row or names[-1]} and context in (None, "self.context")
                if is_plain and inspect.isclass(found) and found not in cls.__mro__:
                    return AnsweringSerializer(found, method, has_context=context is not None)
        return None
    return None


def is_own(cls: type, name: str) -> bool:
    """Whether a method of a class is the project's own, and does more than to call the one that it replaces."""
    for each in cls.__mro__:
        if name not in vars(each):
            continue
        found = code_of(vars(each)[name])
        # What tells clients how long to keep an answer does no more.
        function = undecorated(found)
        # `method_decorator` on a class leaves the name of what it wraps.
        if getattr(function, "__globals__", {}).get("__name__") == "django.utils.decorators":
            return True
        if each is object or str(getattr(function, "__module__", "")).startswith(_LIBRARIES):
            return False
        if not _passes_on(function, name, but=() if function is found else ("method_decorator",)):
            return True
    return False


def passing_methods(cls: type, name: str) -> list[Any]:
    """The functions that run for a method's name: the class's, and each that the one before passes on to."""
    found = []
    for each in cls.__mro__:
        if name in vars(each):
            found.append(code_of(vars(each)[name]))
            if not _passes_on(undecorated(found[-1]), name, but=("method_decorator",)):
                break
    return found


def code_of(found: Any) -> Any:  # noqa: ANN401 - whatever a class has under a name
    """The function of a property, or of a static or class method; anything else as it is."""
    return getattr(found, "fget", None) or getattr(found, "func", None) or getattr(found, "__func__", found)


def own_methods(cls: type, name: str) -> Iterator[Any]:
    """The functions of a method's name that the project wrote, in the order in which each may call the next."""
    for each in cls.__mro__:
        function = vars(each).get(name)
        if function is not None and str(getattr(function, "__module__", "")).startswith(_LIBRARIES):
            return
        if function is not None:
            yield function


def reads_only_method(function: Any, *, unless: Collection[str]) -> bool:  # noqa: ANN401 - as below
    """Whether a hook of a view looks at the request's method and at nothing else of it, and names none of `unless`."""
    made = method_of(function)
    if made is None or [each.arg for each in made.args.args] != ["self"]:
        return False
    code = ast.unparse(made)
    read = set(re.findall(r"\bself\b(?:\.\w+)*", code.partition(":")[2]))
    texts = {each.value for each in ast.walk(made) if isinstance(each, ast.Constant)}
    return read <= _OF_VIEW and "self.request.method" in read and texts.isdisjoint(unless)


def passed_to(cls: type, name: str) -> str | None:
    """The method of a view to which one of the project's own passes a request on (`return self.list(request)`)."""
    found = next(own_methods(cls, name), None)
    match only_statement(method_of(found)) if found else None:
        case ast.Return(value=ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=called), args=[first, *_])):
            return called if ast.unparse(first) == "request" else None
    return None


def returns_caller(cls: type, name: str) -> bool:
    """Whether a method of the project's own returns the caller and does no more."""
    found = next(own_methods(cls, name), None)
    match only_statement(method_of(found)) if found else None:
        case ast.Return(value=ast.expr() as value):
            return ast.unparse(value) == "self.request.user"
    return False


def _passes_on(function: Any, name: str, but: Collection[str]) -> bool:  # noqa: ANN401 - as below
    """Whether a method returns what its superclass does with the same arguments; it may have `but` these decorators."""
    made = method_of(function, but)
    match only_statement(made):
        case ast.Return(
            value=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[]), attr=called)) as call
        ) if made and called == name:
            return [ast.unparse(each) for each in (*call.args, *call.keywords)] == list(_passed(made.args))
    return False


def _passed(given: ast.arguments) -> Iterator[str]:
    """The parameters of a method after the first, as it would pass all of them on."""
    yield from (each.arg for each in (*given.posonlyargs, *given.args)[1:])
    yield from (f"*{each.arg}" for each in (given.vararg,) if each)
    yield from (f"{each.arg}={each.arg}" for each in given.kwonlyargs)
    yield from (f"**{each.arg}" for each in (given.kwarg,) if each)


def returned_attribute(function: Any) -> str | None:  # noqa: ANN401 - as below
    """The attribute of its own that a method returns; None where it does more."""
    match only_statement(method_of(function)):
        case ast.Return(value=ast.Attribute(value=ast.Name(id="self"), attr=name)):
            return name
    return None


def method_of(function: Any, but: Collection[str] = ()) -> ast.FunctionDef | None:  # noqa: ANN401 - whatever a class has under that name
    """The code of a method; None of anything else, and of one that a decorator makes another of, `but` these."""
    try:
        made = source_of(inspect.unwrap(function))
    except ValueError:  # It wraps itself.
        return None
    known = _DOCUMENTING.union(but, ("atomic",) if is_atomic(function) else ())
    is_plain = isinstance(made, ast.FunctionDef) and all(_name(each) in known for each in made.decorator_list)
    return made if is_plain and not _is_wrapped(function) else None


def _is_wrapped(function: Any) -> bool:  # noqa: ANN401 - as above
    """Whether something is called in place of a method that its code doesn't name (`method_decorator` on a class)."""
    inner = getattr(function, "__wrapped__", None)
    module = str(getattr(function, "__globals__", {}).get("__name__", ""))
    is_known = is_atomic(function) or module.startswith(_DOCUMENTS)
    return inner is not None and (not is_known or _is_wrapped(inner))


def is_atomic(function: Any) -> bool:  # noqa: ANN401 - as above
    """Whether Django has one transaction around a function (`@transaction.atomic`), and no more."""
    inner = inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}
    return isinstance(inner.get("self"), Atomic) and function.__globals__.get("__name__") == "contextlib"


def statements_of(made: ast.FunctionDef) -> list[ast.stmt]:
    """What a method does, without its docstring and what it prints."""
    body = made.body[1:] if ast.get_docstring(made) is not None else made.body
    return [each for each in body if not _prints(each)]


def _prints(statement: ast.stmt) -> bool:
    """Whether a statement prints constants, names and their attributes, and does no more."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args)):
            plain = (ast.Attribute, ast.Constant, ast.FormattedValue, ast.JoinedStr, ast.Name, ast.expr_context)
            return all(isinstance(each, plain) for given in args for each in ast.walk(given))
    return False


def named(code: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever the code has under that name
    """What a name in a module's code stands for, or an attribute of a module or class in it; None of anything else.

    A value that some function of the project changes is none.
    """
    match code:
        case ast.Name(id=name):
            found = names.get(name)
        case ast.Attribute(value=inner, attr=name):
            owner = named(inner, names)
            found = getattr(owner, name, None) if inspect.ismodule(owner) or inspect.isclass(owner) else None
        case _:
            return None
    return None if isinstance(found, bool | int | float | str) and is_changed(name) else found


def is_get_object_or_404(function: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a function is Django's shortcut of that name, or DRF's."""
    modules = ("django.shortcuts", "rest_framework.generics")
    is_named_so = getattr(function, "__name__", "") == "get_object_or_404"
    return is_named_so and getattr(function, "__module__", "") in modules


def names_of(function: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever a class has under a name
    """What names stand for in the code of a function: those of its module, without what it names itself."""
    function = inspect.unwrap(function) if callable(function) else function
    code, found = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    own = {*code.co_varnames, *code.co_cellvars, *code.co_freevars} if code else set()
    return {name: value for name, value in found.items() if name not in own}


def is_super(code: ast.expr, function: Any) -> bool:  # noqa: ANN401 - as above
    """Whether an expression in a method is `super()`, or `super(View, self)` with the class that has the method."""
    match code:
        case ast.Call(func=ast.Name(id="super"), args=[], keywords=[]):
            return True
        case ast.Call(func=ast.Name(id="super"), args=[cls, ast.Name(id="self")], keywords=[]):
            found = named(cls, names_of(function))
            return inspect.isclass(found) and vars(found).get(function.__name__) is function
    return False


def only_statement(made: ast.FunctionDef | None) -> ast.stmt | None:
    """The one statement that a method consists of, besides its docstring."""
    body = statements_of(made) if made else []
    return body[0] if len(body) == 1 else None


def _name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    match called:
        # Another method of the same action.
        case ast.Attribute(value=ast.Attribute(value=ast.Name(), attr="mapping"), attr=name) if name in _METHODS:
            return "action"
    return ast.unparse(called).rpartition(".")[2]
