"""Functions of a project's own as code that a service carries over, on the library's twins of DRF's names.

They are carried over as they are, but for what they log, and for exceptions that the service never raises. They may
call functions of the project, and read constants; they may look at what they are given, and at nothing else.
"""

import ast
import builtins
import inspect
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied

from strangler_django.endpoints.code.carried_names import (
    ATTRIBUTES,
    BUILTINS,
    CONTEXT,
    ERRORS,
    EVERY,
    LOGS,
    MADE,
    SIMPLEJWT,
    STATEMENTS,
    function_code,
    has_twin,
    is_known_attribute,
    is_plain,
)
from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.code.pure_statements import is_pure, leave_unread, without_docstring
from strangler_django.endpoints.constants.changed_names import is_changed

_NOTHING: Final = object()
_NOT_READ: Final = (
    *(ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda, ast.Set, ast.SetComp, ast.Global, ast.Nonlocal, ast.Raise),
)


class Carried:
    """Functions, with those that they call, and what they need.

    It `uses` twins by their names in the code. `never` are the classes that it looks for and no error of the service is
    of; `words` says that it shows texts of DRF's own making. `context` are names that go to other functions alone.
    """

    def __init__(self, context: frozenset[str] = CONTEXT) -> None:
        self.context = context
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, Any] = {}
        self.uses: dict[str, str] = {}
        self.never: set[str] = set()
        self.words = False
        self._known: dict[str, Any] = {}

    @property
    def code(self) -> list[str]:
        """The constants and the functions as texts, each after what it needs."""
        constants = [f"{name} = {value!r}" for name, value in self.constants.items()]
        return [
            *constants,
            *(ast.unparse(ast.fix_missing_locations(each)) for each in reversed(self.functions.values())),
        ]

    def add(self, function: Any, code: ast.FunctionDef | None = None) -> None:  # noqa: ANN401 - any callable
        """A function of the project, with those that it calls; its `code` where that is another than it has.

        :raises UnreadError: it does what can't be carried over.
        """
        name = getattr(function, "__name__", repr(function))
        if name in self.uses or self._known.setdefault(name, function) is not function:
            raise UnreadError(f"there are two called {name}")
        if name in self.functions:
            return
        made = code or function_code(function)
        self.functions[name] = made
        named = function.__globals__
        reader = _Reader(made, named, self)
        made.body = reader.block(without_docstring(made.body)) or [ast.Pass()]
        leave_unread(made)
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

    def __init__(self, made: ast.FunctionDef, named: dict[str, Any], carried: Carried) -> None:
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
        for node in ast.walk(self._made):
            is_known = not isinstance(node, ast.stmt) or isinstance(node, STATEMENTS) or node is self._made
            if isinstance(node, _NOT_READ) or not is_known:
                raise UnreadError(f"{type(node).__name__.lower()} in {self._made.name}")
            if isinstance(node, ast.Attribute):
                self._attribute(node)
            if isinstance(node, ast.Call):
                self._call(node)
        self._context()
        for function in self._functions:
            self._carried.add(function)

    def _context(self) -> None:
        """Looks that the context goes to DRF's handler, or to functions of the project, and nowhere else."""
        passed = {
            id(each)
            for node in ast.walk(self._made)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Subscript)
            for each in (*node.args, *(keyword.value for keyword in node.keywords))
        }
        for node in ast.walk(self._made):
            if not isinstance(node, ast.Name) or node.id not in self._carried.context:
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
        if not body and not orelse and is_pure(node.test):
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
                if attr not in LOGS or not (isinstance(found, logging.Logger) or found is logging):
                    return False
            case _:
                return False
        return all(is_pure(each) for each in (*args, *(keyword.value for keyword in keywords)))

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
            if inspect.isclass(found) and issubclass(found, BaseException) and not has_twin(found):
                path = f"{found.__module__}.{found.__qualname__}"
                if path.startswith(SIMPLEJWT) or any(issubclass(twin, found) for twin in ERRORS):
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
                has_names = inspect.ismodule(owner) or owner is HTTPStatus
                return getattr(owner, name, _NOTHING) if has_names else _NOTHING
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
        if is_changed(name) or not is_plain(found):
            raise UnreadError(f"{self._made.name} names {text}")
        if isinstance(found, dict | list | tuple):
            self._carried.constant(name, found)
            return ast.Name(name, ast.Load())
        return ast.Constant(found)

    def _named_so(self, node: ast.expr, found: Any, text: str) -> ast.expr:  # noqa: ANN401 - a class or function
        if has_twin(found) and found not in EVERY:
            alias = self._carried.twin(found.__name__)
            if alias in self._own:
                raise UnreadError(f"{self._made.name} calls something else {alias}")
            return ast.Name(alias, ast.Load())
        if isinstance(node, ast.Name) and found is getattr(builtins, node.id, None):
            if node.id not in BUILTINS:
                raise UnreadError(f"{self._made.name} calls {node.id}")
            return node
        if inspect.isfunction(found) and not found.__module__.startswith(("django.", "rest_framework.")):
            self._functions.append(found)
            return ast.Name(found.__name__, ast.Load())
        raise UnreadError(f"{self._made.name} calls {text}")

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr not in ATTRIBUTES:
            raise UnreadError(f"{self._made.name} looks at {ast.unparse(node)}")
        if node.attr == "default_detail":
            self._carried.words = True

    def _call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[_, given, *_]):
                if not isinstance(given, ast.Constant) or not is_known_attribute(str(given.value)):
                    raise UnreadError(f"{self._made.name} looks at {ast.unparse(node)}")
                self._carried.words |= given.value == "default_detail"
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in self._carried.uses:
                self._made_twin(self._carried.uses[name], args, keywords)

    def _made_twin(self, twin: str, args: list[ast.expr], keywords: list[ast.keyword]) -> None:
        if twin == "HTTPStatus":
            return
        if twin not in {each.__name__ for each in MADE}:
            raise UnreadError(f"{self._made.name} makes {twin}")
        known = {"data", "status", "headers", "detail", "code", "exc", "context", "string"}
        if any(each.arg not in known for each in keywords):
            raise UnreadError(f"{self._made.name} makes {twin} of more")
        is_answer = twin in ("Response", "exception_handler", "ErrorDetail")
        self._carried.words |= not is_answer and not args and not keywords
