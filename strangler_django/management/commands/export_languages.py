"""`manage.py export_languages`: the project's languages, and its error texts in each, as sorted JSON.

A service without Django answers a client's `Accept-Language` with them as LocaleMiddleware does.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from strangler_django.languages import languages_text
from strangler_django.management.output import write_document


class Command(BaseCommand):
    """Write the languages of the project."""

    help = "Write the languages that the API answers in, and its error texts in each, as JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; default: standard output")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the document."""
        write_document(self, languages_text(), options["output"])
