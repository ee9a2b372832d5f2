"""The text of a module: its docstring, its imports in order, its statements."""

import sys
from collections.abc import Iterable, Mapping
from typing import Final

from strangler.adoption.scaffold.code import LINE

_STDLIB: Final = frozenset(sys.stdlib_module_names)


class Module:
    """A module that grows; `package` is the service's own, whose imports come last."""

    def __init__(self, docstring: str, package: str) -> None:
        self._docstring = docstring
        self._package = package
        self._imports: dict[str, set[str]] = {}
        self._parts: list[str] = []

    def use(self, module: str, *names: str) -> None:
        """Imports the names."""
        if names:
            self._imports.setdefault(module, set()).update(names)

    def use_all(self, imports: Mapping[str, Iterable[str]]) -> None:
        """Imports names by module."""
        for module, names in imports.items():
            self.use(module, *names)

    def add(self, *parts: str) -> None:
        """Adds statements, each on lines of its own; an empty part is an empty line."""
        self._parts += parts

    def insert(self, part: str) -> None:
        """Adds a statement behind the last one that isn't empty."""
        at = max((index + 1 for index, each in enumerate(self._parts) if each), default=0)
        self._parts.insert(at, part)

    def text(self) -> str:
        """The whole, which ends with a line feed."""
        blocks = [f'"""{self._docstring}"""', *import_blocks(self._imports, self._package)]
        body = "\n".join(self._parts).strip("\n")
        space = "\n\n\n" if body.startswith(("async def", "def", "class", "@")) else "\n\n"
        return "\n\n".join(blocks) + space + body + "\n"


def import_blocks(imports: Mapping[str, Iterable[str]], package: str) -> list[str]:
    """The imports, a block for the standard library, for installed packages, and for the service's own."""
    blocks: list[list[str]] = [[], [], []]
    for module in sorted(imports):
        root = module.partition(".")[0]
        place = 2 if root == package else 0 if root in _STDLIB else 1
        blocks[place].append(_import(module, sorted(imports[module], key=_rank)))
    return ["\n".join(block) for block in blocks if block]


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= LINE:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _rank(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as isort has them."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name.lower()
