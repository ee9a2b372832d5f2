"""Names of a project's modules and classes that its functions give other values, as they would keep a tenant.

def activate(tenant):
    global current
    current = tenant
    State.tenant = tenant
    _kept["tenant"] = tenant
    holder().tenant = tenant
"""

import ast
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

# Methods that change a list, a set or a dictionary.
_CHANGING: Final = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
)
# What makes an object may give it attributes: no request is there yet.
_MAKING: Final = frozenset(
    {"__init__", "__new__", "__init_subclass__", "__set_name__", "contribute_to_class", "_clone"}
)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass
class _Changes:
    """The names that functions of a module change: of anything, of classes, and of what they are methods of.

    `holders` are functions whose result is changed, so that they give what others keep.
    """

    shared: set[str] = field(default_factory=set)
    of_classes: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    holders: set[str] = field(default_factory=set)


def is_changed(name: str) -> bool:
    """Whether some function of the project gives a module's or a class's name another value."""
    return any(name in _changes(module).shared for module in _project_modules())


def is_state_of_classes(name: str) -> bool:
    """Whether some function of the project gives a class an attribute of that name."""
    return any(name in _changes(module).of_classes for module in _project_modules())


def is_holder(name: str) -> bool:
    """Whether some function of the project changes what a function of that name gives (`holder().tenant = tenant`)."""
    return any(name in _changes(module).holders for module in _project_modules())


def is_changed_by(cls: type, name: str) -> bool:
    """Whether an attribute gets another value by a method of a class, or by code that is given the object."""
    modules = {each.__module__ for each in cls.__mro__}
    return is_changed(name) or any(name in _changes(each).own for each in _project_modules() if each in modules)


def _project_modules() -> Iterator[str]:
    """The modules of the project's own that are there."""
    return (name for name in tuple(sys.modules) if _is_project(name))


@cache
def _is_project(name: str) -> bool:
    path = getattr(sys.modules.get(name), "__file__", None)
    return (
        bool(path)
        and not name.startswith("strangler_django.")
        and str(path).endswith(".py")
        and not _is_installed(str(path))
    )


def _is_installed(path: str) -> bool:
    library = sysconfig.get_path("stdlib")
    return path.startswith(library) or "site-packages" in path or "dist-packages" in path


@cache
def _changes(name: str) -> _Changes:
    found = _Changes()
    try:
        tree = ast.parse(Path(str(sys.modules[name].__file__)).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return found
    for function in ast.walk(tree):
        if isinstance(function, _FUNCTIONS) and getattr(function, "name", "") not in _MAKING:
            for node in ast.walk(function):
                _note(node, found)
    return found


def _note(node: ast.AST, found: _Changes) -> None:
    match node:
        case ast.Attribute(value=ast.Call() as owner, attr=name, ctx=ast.Store() | ast.Del()) if _called(owner):
            found.shared.add(name)
            found.of_classes.add(name)
            found.holders.update(_called(owner))
        case ast.Subscript(value=ast.Call() as owner, ctx=ast.Store() | ast.Del()):
            found.holders.update(_called(owner))
        case ast.Global(names=names):
            found.shared.update(names)
        case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store() | ast.Del()):
            found.own.add(name)
        case ast.Attribute(value=owner, attr=name, ctx=ast.Store() | ast.Del()) if _is_class(owner):
            found.shared.add(name)
            found.of_classes.add(name)
        case ast.Attribute(value=ast.Name() | ast.Attribute(), attr=name, ctx=ast.Store() | ast.Del()):
            # What is made or looked up before is no constant itself.
            found.shared.add(name)
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id="self"), attr=name), ctx=ast.Store() | ast.Del()):
            found.own.add(name)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), ctx=ast.Store() | ast.Del()):
            found.shared.add(name)
        case ast.Call(func=ast.Attribute(value=owner, attr=called)) if called in _CHANGING:
            match owner:
                case ast.Call():
                    found.holders.update(_called(owner))
                case ast.Attribute(value=ast.Name(id="self"), attr=name):
                    found.own.add(name)
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    found.shared.add(name)
        case ast.Call(func=ast.Name(id="setattr"), args=[owner, ast.Constant(value=str(name)), _]):
            found.shared.add(name)
            holders = _called(owner)
            found.holders.update(holders)
            if _is_class(owner) or holders:
                found.of_classes.add(name)


def _called(code: ast.expr) -> set[str]:
    """The name of a function that is called without arguments; a method's object is made or looked up before."""
    match code:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if name != "super":
            return {name}
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name), args=[], keywords=[]):
            return set() if owner in ("self", "cls") else {name}
    return set()


def _is_class(code: ast.expr) -> bool:
    """Whether an expression is a class, by the way that classes are named."""
    match code:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in ("cls", "__class__") or name[:1].isupper()
        case ast.Call(func=ast.Name(id="type"), args=[_]):
            return True
    return False
