"""The help of the operator's commands: an imperative, the default, an example that the command line accepts."""

import shlex

import pytest
import typer

from strangler.cli import command_line

COMMANDS = (
    *("routes", "switch", "ramp", "plan", "apply", "rollback", "history", "retire", "check", "clients"),
    *("status", "logs", "metrics", "down"),
)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_ends_with_an_example(name: str) -> None:
    command = typer.main.get_command(command_line([name])).commands[name]  # type: ignore[attr-defined] # a group
    first, *_more, example = [part.strip() for part in (command.help or "").split("\n\n")]
    assert "\n" not in first
    assert first.partition(" ")[0] in {"Show", "Move", "Apply", "Return", "Announce", "Check", "End"}
    assert first.endswith((".", "what runs."))
    program, *words = shlex.split(example.removeprefix("Example: "))
    assert [program, words[0]] == ["strangler", name]
    command.make_context(name, words[1:])
    assert all(parameter.help for parameter in command.params)
