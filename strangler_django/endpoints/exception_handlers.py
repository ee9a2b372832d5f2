"""An EXCEPTION_HANDLER of the project's own as code that a service carries over, on the library's twins of DRF's names.

It is carried over as it is, but for what it logs, and for exceptions that the service never raises. It may call
functions of the project, and read constants; it may look at the exception and at what DRF answers, and at nothing else.
"""

import ast
import builtins
import inspect
import logging
import textwrap
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from strangler_django.endpoints.constants.changed_names import is_changed
from strangler_django.endpoints.own_code import UnreadError

_TWINS: Final = (
    *(exceptions.APIException, exceptions.ValidationError, exceptions.ParseError, exceptions.AuthenticationFailed),
    *(exceptions.NotAuthenticated, exceptions.PermissionDenied, exceptions.NotFound, exceptions.MethodNotAllowed),
    *(exceptions.NotAcceptable, exceptions.UnsupportedMediaType, exceptions.Throttled),
    *(Http404, IntegrityError, ProtectedError, RestrictedError),
    *(Response, exception_handler, exceptions.ErrorDetail, HTTPStatus),
)
_ERRORS: Final = _TWINS[:-4]
# Those that a handler may make: of the others more than a text is said.
_MADE: Final = (*_TWINS[:7], Response, exception_handler, exceptions.ErrorDetail)
_SIMPLEJWT: Final = "rest_framework_simplejwt."
_EVERY: Final = (Exception, BaseException)
_BUILTINS: Final = frozenset(
    {
        *("all", "any", "bool", "dict", "enumerate", "float", "getattr", "hasattr", "int", "isinstance", "issubclass"),
        *("iter", "len", "list", "max", "min", "next", "range", "repr", "reversed", "sorted", "str", "sum", "tuple"),
        *("type", "zip", "Exception", "BaseException", "AttributeError", "IndexError", "KeyError", "TypeError"),
        *("ValueError", "StopIteration"),
    }
)
_ATTRIBUTES: Final = frozenset(
    {
        *(name for kind in (dict, list, str) for name in dir(kind) if not name.startswith("_")),
        *("data", "status_code", "headers", "detail", "code", "default_code", "default_detail", "wait", "auth_header"),
        *("get_codes", "get_full_details", "__class__", "__name__", "value", "phrase", "description", "name"),
    }
) - {"format_map"}
_LOGS: Final = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
# Calls without another effect than their result.
_PURE: Final = frozenset({"get", "getattr", "hasattr", "isinstance", "repr", "str", "type", "items", "keys", "values"})
_STATEMENTS: Final = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Break, ast.Continue, ast.Delete, ast.Expr, ast.For, ast.If),
    *(ast.Pass, ast.Return, ast.Try),
)
_NOT_READ: Final = (
    *(ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda, ast.Set, ast.SetComp, ast.Global, ast.Nonlocal, ast.Raise),
)


def exception_handler_facts(function: Any) -> dict[str, Any]:  # noqa: ANN401 - any callable
    """The `name` of the handler, its `code`, which twins that `uses` by their names in it, and what was left out.

    `never` are the classes that no error of the service is of; `words` says that it shows texts of DRF's own making.
    `gap` is why it can't be carried over.
    """
    carried = _Carried()
    try:
        carried.add(function)
    except UnreadError as gap:
        return {"gap": str(gap)}
    functions = [ast.unparse(ast.fix_missing_locations(each)) for each in reversed(carried.functions.values())]
    constants = [f"{name} = {value!r}" for name, value in carried.constants.items()]
    return {
        "name": function.__name__,
        "code": [*constants, *functions],
        "uses": dict(sorted(carried.uses.items())),
        "never": sorted(carried.never),
        "words": carried.words,
    }


class _Carried:
    """The functions that make up a handler, and what they need."""

    def __init__(self) -> None:
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, Any] = {}
        self.uses: dict[str, str] = {}
        self.never: set[str] = set()
        self.words = False
        self._known: dict[str, Any] = {}

    def add(self, function: Any) -> None:  # noqa: ANN401 - any callable
        """A function of the project, with those that it calls.

        :raises UnreadError: it does what can't be carried over.
        """
        name = getattr(function, "__name__", repr(function))
        if name in self.uses or self._known.setdefault(name, function) is not function:
            raise UnreadError(f"there are two called {name}")
        if name in self.functions:
            return
        made = _code_of(function)
        self.functions[name] = made
        named = function.__globals__
        reader = _Reader(made, named, self)
        made.body = reader.block(_without_docstring(made.body)) or [ast.Pass()]
        _leave_unread(made)
        reader.check()

    def twin(self, name: str) -> str:
        """What the twin of something of DRF's is called in the code.

        :raises UnreadError: the project calls something else so.
        """
        alias = next((mine for mine, each in self.uses.items() if each == name), None)
        alias = alias or (f"drf_{name}" if name in self._known else name)
        if alias in self._known:
            raise UnreadError(f"there are two called {alias}")
        self.uses[alias] = name
        return alias

    def constant(self, name: str, value: Any) -> None:  # noqa: ANN401 - JSON
        """A constant of the module's.

        :raises UnreadError: another is called so.
        """
        if name in self.uses or self._known.setdefault(name, value) is not value:
            raise UnreadError(f"there are two called {name}")
        self.constants[name] = value


class _Reader(ast.NodeTransformer):
    """Reads one function."""

    def __init__(self, made: ast.FunctionDef, named: dict[str, Any], carried: _Carried) -> None:
        self._made = made
        self._named = named
        self._carried = carried
        self._own = {each.arg for each in (*made.args.args, *made.args.kwonlyargs)}
        self._own |= {each.arg for each in (made.args.vararg, made.args.kwarg) if each}
        for node in ast.walk(made):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                self._own.add(node.id)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                self._own.add(node.name)
        self._functions: list[Any] = []

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The statements, without what is logged and what never happens."""
        return [kept for each in body for kept in self._statement(each)]

    def check(self) -> None:
        """Reads the functions that it calls, and looks at what is left.

        :raises UnreadError: it does what can't be carried over.
        """
        context = [each.arg for each in self._made.args.args[1:2]] if len(self._carried.functions) == 1 else []
        for node in ast.walk(self._made):
            is_known = not isinstance(node, ast.stmt) or isinstance(node, _STATEMENTS) or node is self._made
            if isinstance(node, _NOT_READ) or not is_known:
                raise UnreadError(f"{type(node).__name__.lower()} in {self._made.name}")
            if isinstance(node, ast.Attribute):
                self._attribute(node)
            if isinstance(node, ast.Call):
                self._call(node)
        self._context(context)
        for function in self._functions:
            self._carried.add(function)

    def _context(self, names: list[str]) -> None:
        """Looks that the context goes to DRF's handler, or to functions of the project, and nowhere else."""
        passed = {
            id(each)
            for node in ast.walk(self._made)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Subscript)
            for each in (*node.args, *(keyword.value for keyword in node.keywords))
        }
        for node in ast.walk(self._made):
            if not isinstance(node, ast.Name) or node.id not in {*names, "context", "ctx", "request"}:
                continue
            if id(node) not in passed:
                raise UnreadError(f"{self._made.name} looks at {node.id}")

    def _statement(self, node: ast.stmt) -> Iterator[ast.stmt]:
        if isinstance(node, ast.Expr) and self._logs(node.value):
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            raise UnreadError(f"{self._made.name} imports")
        for name in ("body", "orelse", "finalbody"):
            if not isinstance(node, ast.If) and getattr(node, name, None):
                setattr(node, name, self.block(getattr(node, name)) or [ast.Pass()])
        for handler in getattr(node, "handlers", ()):
            handler.body = self.block(handler.body) or [ast.Pass()]
            handler.type = self.visit(handler.type) if handler.type else None
        if isinstance(node, ast.If):
            yield from self._if(node)
            return
        if isinstance(node, ast.AnnAssign):
            # What a name is said to be may name what isn't there.
            node.annotation = ast.Name("Any", ast.Load())
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and name != "annotation":
                setattr(node, name, self.visit(value))
            elif name == "targets":
                node.targets = [self.visit(each) for each in value]  # type: ignore[attr-defined] # those have them
        yield node

    def _if(self, node: ast.If) -> Iterator[ast.stmt]:
        node.test = self.visit(node.test)
        if isinstance(node.test, ast.Constant) and isinstance(node.test.value, bool):
            yield from self.block(node.body if node.test.value else node.orelse)
            return
        body, orelse = self.block(node.body), self.block(node.orelse)
        if not body and not orelse and _is_pure(node.test):
            return
        node.body, node.orelse = body or [ast.Pass()], orelse
        yield node

    def _logs(self, node: ast.expr) -> bool:
        """Whether an expression writes a log, or prints, and does no more."""
        match node:
            case ast.Call(func=ast.Name(id="print"), args=args, keywords=keywords):
                pass
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr), args=args, keywords=keywords):
                found = self._named.get(name) if name not in self._own else None
                if name == "traceback" and attr == "print_exc":
                    return True
                if attr not in _LOGS or not (isinstance(found, logging.Logger) or found is logging):
                    return False
            case _:
                return False
        return all(_is_pure(each) for each in (*args, *(keyword.value for keyword in keywords)))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """What is never so is left out."""
        decides = isinstance(node.op, ast.Or)
        values = [self.visit(each) for each in node.values]
        kept: list[ast.expr] = []
        for each in values:
            if isinstance(each, ast.Constant) and isinstance(each.value, bool):
                if each.value is decides:
                    kept.append(each)
                    break
                continue
            kept.append(each)
        if not kept:
            return ast.Constant(not decides)
        node.values = kept
        return node if len(kept) > 1 else kept[0]

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """The opposite of what never happens."""
        node.operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """`isinstance` of what the service never raises is false."""
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name() as value, kinds]):
                return self._isinstance(node, value, kinds)
        self.generic_visit(node)
        return node

    def _isinstance(self, node: ast.Call, value: ast.Name, kinds: ast.expr) -> ast.expr:
        each_kind = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
        kept = []
        for each in each_kind:
            found = self._found(each)
            if inspect.isclass(found) and issubclass(found, BaseException) and not _has_twin(found):
                path = f"{found.__module__}.{found.__qualname__}"
                if path.startswith(_SIMPLEJWT) or any(issubclass(twin, found) for twin in _ERRORS):
                    raise UnreadError(f"{self._made.name} names {path}")
                # What only the project's own code raises, an endpoint that was read doesn't.
                if path.startswith(("django.", "rest_framework.", "builtins.")) and found is not PermissionDenied:
                    self._carried.never.add(path)
                continue
            kept.append(self.visit(each))
        if not kept:
            return ast.Constant(value=False)
        node.args = [self.visit(value), kept[0] if len(kept) == 1 else ast.Tuple(kept, ast.Load())]
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """What a name stands for."""
        return node if node.id in self._own else self._replaced(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """An attribute of a module stands for what it is."""
        if self._found(node) is not _NOTHING:
            return self._replaced(node)
        node.value = self.visit(node.value)
        return node

    def _found(self, node: ast.expr) -> Any:  # noqa: ANN401 - whatever it stands for
        """What a name of the module, or an attribute of a module, stands for."""
        match node:
            case ast.Name(id=name):
                return _NOTHING if name in self._own else self._named.get(name, getattr(builtins, name, _NOTHING))
            case ast.Attribute(value=inner, attr=name):
                owner = self._found(inner)
                is_plain = inspect.ismodule(owner) or owner is HTTPStatus
                return getattr(owner, name, _NOTHING) if is_plain else _NOTHING
        return _NOTHING

    def _replaced(self, node: ast.expr) -> ast.expr:
        found, text = self._found(node), ast.unparse(node)
        if found is _NOTHING:
            raise UnreadError(f"{self._made.name} names {text}")
        if inspect.isroutine(found) or inspect.isclass(found):
            return self._named_so(node, found, text)
        if isinstance(found, int) and not isinstance(found, bool):
            found = int(found)
        name = text.rpartition(".")[2]
        if is_changed(name) or not _is_plain(found):
            raise UnreadError(f"{self._made.name} names {text}")
        if isinstance(found, dict | list | tuple):
            self._carried.constant(name, found)
            return ast.Name(name, ast.Load())
        return ast.Constant(found)

    def _named_so(self, node: ast.expr, found: Any, text: str) -> ast.expr:  # noqa: ANN401 - a class or function
        if _has_twin(found) and found not in _EVERY:
            alias = self._carried.twin(found.__name__)
            if alias in self._own:
                raise UnreadError(f"{self._made.name} calls something else {alias}")
            return ast.Name(alias, ast.Load())
        if isinstance(node, ast.Name) and found is getattr(builtins, node.id, None):
            if node.id not in _BUILTINS:
                raise UnreadError(f"{self._made.name} calls {node.id}")
            return node
        if inspect.isfunction(found) and not found.__module__.startswith(("django.", "rest_framework.")):
            self._functions.append(found)
            return ast.Name(found.__name__, ast.Load())
        raise UnreadError(f"{self._made.name} calls {text}")

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr not in _ATTRIBUTES:
            raise UnreadError(f"{self._made.name} looks at {ast.unparse(node)}")
        if node.attr == "default_detail":
            self._carried.words = True

    def _call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[_, given, *_]):
                if not isinstance(given, ast.Constant) or not _is_known_attribute(str(given.value)):
                    raise UnreadError(f"{self._made.name} looks at {ast.unparse(node)}")
                self._carried.words |= given.value == "default_detail"
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in self._carried.uses:
                self._made_twin(self._carried.uses[name], args, keywords)

    def _made_twin(self, twin: str, args: list[ast.expr], keywords: list[ast.keyword]) -> None:
        if twin == "HTTPStatus":
            return
        if twin not in {each.__name__ for each in _MADE}:
            raise UnreadError(f"{self._made.name} makes {twin}")
        known = {"data", "status", "headers", "detail", "code", "exc", "context", "string"}
        if any(each.arg not in known for each in keywords):
            raise UnreadError(f"{self._made.name} makes {twin} of more")
        is_answer = twin in ("Response", "exception_handler", "ErrorDetail")
        self._carried.words |= not is_answer and not args and not keywords


_NOTHING: Final = object()


def _has_twin(found: Any) -> bool:  # noqa: ANN401 - whatever a name stands for
    """Whether the library has a class or function of that name, which is as that."""
    return (inspect.isclass(found) or inspect.isfunction(found)) and found in (*_TWINS, *_EVERY)


def _code_of(function: Any) -> ast.FunctionDef:  # noqa: ANN401 - any callable
    try:
        (made,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        raise UnreadError("its code isn't there") from None
    if not isinstance(made, ast.FunctionDef) or made.decorator_list or inspect.getclosurevars(function).nonlocals:
        raise UnreadError(f"{getattr(function, '__name__', 'it')} is no plain function")
    for each in (*made.args.args, *made.args.kwonlyargs):
        each.annotation = ast.Name("Any", ast.Load())
    defaults = (*made.args.defaults, *made.args.kw_defaults)
    if not all(each is None or isinstance(each, ast.Constant) for each in defaults):
        raise UnreadError(f"{made.name} has defaults that are no constants")
    if made.args.posonlyargs or made.args.vararg or made.args.kwarg:
        raise UnreadError(f"{made.name} takes any number of arguments")
    made.returns = ast.Name("Any", ast.Load())
    return made


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_text else body


def _leave_unread(made: ast.FunctionDef) -> None:
    """Leaves out what a name is given that nothing reads, as what was logged alone."""
    while True:
        read = {each.id for each in ast.walk(made) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}

        def is_unread(node: ast.stmt, read: set[str] = read) -> bool:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    return name not in read and _is_pure(value)
                case ast.If(test=test, body=[ast.Pass()], orelse=[]):
                    return _is_pure(test)
            return False

        if not _filter(made, lambda node: not is_unread(node)):
            return


def _filter(node: Any, keeps: Callable[[ast.stmt], bool]) -> bool:  # noqa: ANN401 - any part of a tree
    """Leaves out statements; whether there were any."""
    found = False
    for name in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        kept = [each for each in block if isinstance(each, ast.ExceptHandler) or keeps(each)]
        found |= len(kept) < len(block)
        setattr(node, name, kept or ([ast.Pass()] if name == "body" else []))
        for each in kept:
            found |= _filter(each, keeps)
    return found


def _is_pure(node: ast.AST) -> bool:
    """Whether an expression does nothing but to give a value."""
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    names = (each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in calls)
    effects = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    return all(name in _PURE for name in names) and not any(isinstance(each, effects) for each in ast.walk(node))


def _is_plain(value: Any) -> bool:  # noqa: ANN401 - any constant
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and _is_plain(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def _is_known_attribute(name: str) -> bool:
    """Whether an attribute is there with the twins as it is with DRF's exceptions, or with none of either."""
    if name in _ATTRIBUTES:
        return True
    made = [exceptions.APIException(), exceptions.Throttled(1), exceptions.ValidationError("x"), Http404()]
    return not any(hasattr(each, name) for each in (*made, "", {}, [], Response()))
