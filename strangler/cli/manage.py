"""`strangler manage`: Django's commands with the settings and secrets of the local stack."""

import os
from typing import Annotated

import typer

from strangler.deployment.local_stack import LocalStack
from strangler.local.databases import database_require
from strangler.local.services import django_environment, manage_argv
from strangler.settings import ROOT, settings_load


def manage(
    arguments: Annotated[list[str], typer.Argument(help="What manage.py is given, such as user_stats.")],
) -> None:
    """Run a command of Django's manage.py on the database of the local stack."""
    stack = LocalStack(settings_load())
    connections = stack.connections_resolve()
    database_require(dsn=connections.owner_dsn, mend="start the stack with make up DETACH=1")
    argv = manage_argv(*arguments)
    os.chdir(ROOT)
    os.execve(argv[0], argv, django_environment(stack.settings, connections))  # noqa: S606 - this Python, no shell
