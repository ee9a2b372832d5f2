"""`manage.py export_endpoints`: every endpoint of the API with what it is made of, as sorted JSON.

Read from the URL resolver and from views, serializers, filters and permissions at run time, not from an OpenAPI
document, which lists what its author remembered. No request is made, and no row is read.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, no_translations

from strangler_django.endpoints.document import endpoints_text
from strangler_django.management.output import write_document


class Command(BaseCommand):
    """Write the endpoints of the API."""

    help = "Write every endpoint of the API with its view, serializer, permissions and filters as JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; default: standard output")

    # Texts are translated by their English ones, whatever LANGUAGE_CODE is.
    @no_translations
    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the document."""
        write_document(self, endpoints_text(), options["output"])
