"""`strangler cases`: the command is there, and says what it needs."""

import shlex

import typer

from strangler.cli import command_line, commands


def test_the_group_has_its_command_with_an_example() -> None:
    assert "cases" in commands()
    group = typer.main.get_command(command_line(["cases"])).commands["cases"]  # type: ignore[attr-defined] # a group
    generate = group.commands["generate"]
    program, *words = shlex.split((generate.help or "").rpartition("Example: ")[2])
    assert (program, words[:2]) == ("strangler", ["cases", "generate"])
    generate.make_context("generate", words[2:])
