"""Every `strangler …` of the documents names a command that is there, with options that it takes."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from strangler.cli import command_line
from tests.example import ROOT

DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / ".env.example", *sorted((ROOT / "docs").glob("*.md")))
# What a shell or prose puts after a command.
END = re.compile(r"\s(?:#|\||>|&&|…)|;|…|`")


def written(text: str) -> Iterator[str]:
    """The commands of a document: those in its consoles, and those that its prose quotes."""
    for found in re.finditer(r"(?:^(?:\$ |    |> )?|`)(?:\.venv/bin/)?strangler ([a-z\[-][^\n`]*)", text, re.MULTILINE):
        yield END.split(found[1].removesuffix("\\"))[0].strip()


@cache
def known() -> Any:
    return typer.main.get_command(command_line())


def mistake(command: str) -> str:
    """What of a command isn't there; empty if all of it is."""
    here = known()
    words = iter(shlex.split(command))
    for word in words:
        if word == "--" or here.context_settings.get("ignore_unknown_options"):
            # The rest is another program's.
            break
        name, _, value = word.partition("=")
        if name.startswith("--"):
            option = options(here).get(name)
            if option is None:
                return f"{here.name} has no {name}"
            if not (value or option.is_flag):
                next(words, None)
        elif below := getattr(here, "commands", {}):
            if word not in below and not here.invoke_without_command:
                return f"{here.name} has no {word}"
            here = below.get(word, here)
    return ""


def options(command: Any) -> dict[str, Any]:
    """The long options of a command, and those of each."""
    named = {opt: each for each in command.params for opt in (*each.opts, *each.secondary_opts) if opt[:2] == "--"}
    return {"--help": SimpleNamespace(is_flag=True)} | named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_command_is_there(document: Path) -> None:
    commands = [*written(document.read_text(encoding="utf-8"))]
    assert {command: what for command in commands if (what := mistake(command))} == {}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("$ strangler swich feed.list", "strangler has no swich"),
        ("ask `strangler schema chek` first", "schema has no chek"),
        ("$ .venv/bin/strangler switch feed.list --too canary", "switch has no --too"),
        ("$ strangler --project FILE rampe feed.list", "strangler has no rampe"),
        ("$ strangler manage prune-drafts --older-than 365", ""),
        ("$ strangler ramp feed.list --steps 1,5 --hold 10m  # slowly", ""),
        ("$ strangler ramp pause feed.list", ""),
    ],
)
def test_a_mistake_is_found(text: str, what: str) -> None:
    assert [mistake(command) for command in written(text)] == [what]
