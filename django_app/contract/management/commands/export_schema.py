"""`manage.py export_schema`: what the models of a project say about its tables, as sorted JSON.

A database tells columns, types and keys. Defaults, auto_now, choices, `on_delete` and which tables join two others are
only known to Django; whoever reads and writes the tables without Django needs them from here. No database is asked.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_app.contract.document import schema_text


class Command(BaseCommand):
    """Write the schema of every installed app's models."""

    help = "Write tables, columns and what only Django knows about them as JSON."
    # The facts are the models', whatever else is wrong with the project.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; default: standard output")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the document."""
        output = options["output"]
        if output is None:
            self.stdout.write(schema_text(), ending="")
            return
        try:
            output.write_text(schema_text(), encoding="utf-8")
        except OSError as error:
            msg = f"{output} cannot be written ({error.strerror}): give --output another path."
            raise CommandError(msg) from error
