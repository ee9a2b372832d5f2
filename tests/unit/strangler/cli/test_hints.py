"""Every command that a sentence of the tool names is one that the command line takes."""

import ast
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import typer.exceptions

from strangler.cli import command_line
from tests.example import ROOT

# What a person fills in stands in braces in the source. nginx's log format bears the name, too.
_HINT = re.compile(r"(?<!log_format )\bstrangler (?!posts\.list)((?:--[a-z]+ \S+ )?[a-z]+\b[^;:,()`]*)")
_FILLED = "posts.list"


def sentences(tree: ast.AST) -> Iterator[str]:
    """Each text of a module, with a route's name in place of what is filled in; docstrings are no sentences."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else _FILLED for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (inner | documents):
            yield node.value


def hints() -> dict[str, str]:
    """Command lines, by where they are said first."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "strangler").rglob("*.py")):
        for sentence in sentences(ast.parse(file.read_text())):
            for hint in _HINT.findall(sentence):
                found.setdefault(hint.strip().rstrip(".").replace(_FILLED * 2, _FILLED), str(file.relative_to(ROOT)))
    return found


HINTS = hints()
COMMANDS = typer.main.get_command(command_line())


def accepted(command: Any, words: list[str]) -> bool:
    """Whether the command takes the words, or those of them before the sentence goes on: no option may be left."""
    for end in range(len(words), -1, -1):
        try:
            command.make_context("strangler", words[:end])
        except (typer.exceptions.TyperException, typer.Exit):
            continue
        return not any(word.startswith("--") for word in words[end:])
    return False


def runs(hint: str) -> bool:
    words, command = shlex.split(hint.replace("'", "\\'") if hint.count("'") % 2 else hint), COMMANDS
    while hasattr(command, "commands"):
        if not words and command.invoke_without_command:
            return command is not COMMANDS
        if not words or words[0] not in command.commands:
            return False
        command, words = command.commands[words[0]], words[1:]
    return accepted(command, words)


def test_there_are_hints() -> None:
    assert len(HINTS) > 20
    assert not runs("compare --rout posts.list")
    assert not runs("apologise")


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_is_a_command_that_the_command_line_takes(hint: str) -> None:
    assert runs(hint), f"{HINTS[hint]}: strangler {hint}"
