"""`manage.py export_schema`: what the models of a project say about its tables, as sorted JSON.

A database knows columns, types, keys and indexes. Defaults, auto_now, choices, validators, `on_delete` and which tables
join two others are known to Django alone; a service that uses the tables without Django needs them from this file, and
the rest of it to find where both differ. No database is queried, and the same models give the same text everywhere.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations
from django.db import DEFAULT_DB_ALIAS

from strangler_django.contract.document import DocumentError, schema_text
from strangler_django.contract.unconnected import DatabaseAskedError
from strangler_django.management.output import write_document


class Command(BaseCommand):
    """Write the schema of every installed app's models."""

    help = "Write tables, columns and what only Django knows about them as JSON."
    # The facts are the models', whatever else is wrong with the project.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="export the models of this key of DATABASES (default: default)"
        )
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; default: standard output")

    # Texts are translated by their English ones, whatever LANGUAGE_CODE is.
    @no_translations
    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the document."""
        try:
            text = schema_text(options["database"])
        except (DocumentError, DatabaseAskedError) as error:
            raise CommandError(str(error)) from error
        write_document(self, text, options["output"])
