"""What any project installs knows nothing of the worked example."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.example import ROOT

LIBRARIES = ("shared_schema", "strangler_django", "strangler_fastapi")
OF_THE_EXAMPLE = re.compile(
    r"\b(?:blog|posts?|tags|fastapi_app|django_app|fastapi_\w+_(?:url|only))\b|/api\b", re.IGNORECASE
)
# HTTP's and FastAPI's own words.
MEANT = {"POST", "post", "tags"}


def words(source: str) -> Iterator[tuple[int, str]]:
    """The names and texts of a module, without its docstrings and comments."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield node.lineno, text
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.ImportFrom(module=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name


def of_the_example(source: str) -> list[tuple[int, str]]:
    return [(line, word) for line, word in words(source) if word not in MEANT and OF_THE_EXAMPLE.search(word)]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_names_nothing_of_the_example(library: str) -> None:
    files = {str(file.relative_to(ROOT)): file for file in Path(ROOT, library).rglob("*.py")}
    assert files
    found = {name: of_the_example(file.read_text("utf-8")) for name, file in files.items()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "source",
    [
        'PREFIX = "/api/v2"',
        'getLogger("fastapi_app.request")',
        "from django_app.blog import models",
        'delete_rows(session, "posts", keys)',
        "blog = 1",
        'hint = "fix FASTAPI_DATABASE_URL"',
    ],
)
def test_what_names_something_is_seen(source: str) -> None:
    assert of_the_example(source)


def test_docstrings_and_words_of_http_are_not_meant() -> None:
    assert of_the_example('def f():\n    """As for posts."""\n    method = "POST"') == []
