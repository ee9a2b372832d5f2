"""`manage.py schema_state`: whether models, migrations and the database agree, as one line of JSON.

`unmade` is what makemigrations would still write, `conflicts` are apps whose migrations have two ends, `pending` what
migrate would apply, `unknown` what the database has seen and the code doesn't have. Nothing is written anywhere.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.exceptions import BadMigrationError, NodeNotFoundError

from strangler_django.contract.sentences import first_line
from strangler_django.contract.state import code_state, database_state


class Command(BaseCommand):
    """Tell what is not made, not applied, or not known."""

    help = "Write whether models, migrations and the database agree, as one line of JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="which of DATABASES to ask")
        parser.add_argument(
            "--no-database", action="store_true", help="compare models and migrations only, without a database"
        )

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the line."""
        try:
            state = code_state()
            if not options["no_database"]:
                state |= database_state(connections[options["database"]])
        except (BadMigrationError, NodeNotFoundError) as error:
            raise CommandError(f"The migrations can't be read ({first_line(error)}): fix them.") from error
        except Error as error:
            raise CommandError(
                f"The database doesn't answer ({first_line(error)}): check the settings' DATABASES."
            ) from error
        self.stdout.write(json.dumps(state, sort_keys=True))
