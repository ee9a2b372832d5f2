"""`strangler manage`: commands of Django, or of FastAPI where there is no Django, as the local stack is set up."""

import os
from typing import Annotated

import typer

from strangler.deployment.local_stack import LocalStack
from strangler.local.databases import database_require
from strangler.local.services import manage_argv, manage_environment, stack_folder
from strangler.routes.route import Stack
from strangler.settings import settings_load


def manage(
    arguments: Annotated[list[str], typer.Argument(help="What manage.py is given, such as user_stats.")],
) -> None:
    """Run a command of Django's manage.py on the database of the local stack.

    Where the stack runs without Django, it is one of the FastAPI service's own. Example: strangler manage user_stats
    """
    stack = LocalStack(settings_load())
    connections = stack.connections_resolve()
    database_require(dsn=connections.owner_dsn, hint="start the stack with strangler up --detach")
    project = stack.settings.project
    which = Stack.FASTAPI if stack.without_django else Stack.DJANGO
    argv = manage_argv(project, *arguments, stack=which)
    environment = manage_environment(stack.settings, connections, which)
    os.chdir(stack_folder(project, which))
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - the project's own command, no shell
