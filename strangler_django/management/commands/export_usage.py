"""`manage.py export_usage`: what of Django the project still uses besides its endpoints, as sorted JSON.

Its own commands, tasks, signal receivers, templates and static files; sessions, the admin's log and staff as numbers.
What can't be read is said under `unread`, and nothing is written.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from strangler_django.management.output import write_document
from strangler_django.usage.document import usage_text


class Command(BaseCommand):
    """Write what of Django is still used."""

    help = "Write the project's commands, tasks, receivers, templates, and numbers of sessions and staff as JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; default: standard output")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the document."""
        write_document(self, usage_text(), options["output"])
