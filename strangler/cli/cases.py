"""`strangler cases …`: requests that are made from what is known of the API."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.groups import command_group
from strangler.cli.output import say
from strangler.compare.generate.folder import files_of, folder_write
from strangler.deployment.generation import world_opened
from strangler.deployment.local_stack import LocalStack
from strangler.settings import settings_load


def group(names: Iterable[str] = ()) -> typer.Typer:
    """The group."""
    return command_group({"generate": generate}, names, about="Make cases for strangler compare.")


def generate(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the files; by default the project's for generated ones."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="What is drawn depends on it.")] = 0,
) -> None:
    """Write a case file for each route, from both OpenAPI documents, Django's views, the contract and stored values.

    The stack must run. Example: strangler cases generate --seed 7
    """
    settings = settings_load()
    folder = out or settings.project.generated
    with world_opened(LocalStack(settings), seed=seed) as world:
        count = folder_write(folder, files_of(world, settings.project.load_routes()))
    say(f"{count} cases of {len({each.route.name for each in world.operations})} routes in {_shown(folder)}")


def _shown(folder: Path) -> str:
    """The folder as seen from here."""
    return os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else str(folder)
