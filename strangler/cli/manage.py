"""`strangler manage`: Django's commands with the settings and secrets of the local stack."""

import os
from typing import Annotated

import typer

from strangler.deployment.local_stack import LocalStack
from strangler.local.databases import database_require
from strangler.local.services import manage_argv, stack_environment, stack_folder
from strangler.routes.route import Stack
from strangler.settings import settings_load


def manage(
    arguments: Annotated[list[str], typer.Argument(help="What manage.py is given, such as user_stats.")],
) -> None:
    """Run a command of Django's manage.py on the database of the local stack."""
    stack = LocalStack(settings_load())
    connections = stack.connections_resolve()
    database_require(dsn=connections.owner_dsn, hint="start the stack with strangler up --detach")
    project = stack.settings.project
    argv = manage_argv(project, *arguments)
    environment = stack_environment(stack.settings, connections, Stack.DJANGO)
    os.chdir(stack_folder(project, Stack.DJANGO))
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - the project's own command, no shell
