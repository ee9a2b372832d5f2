"""`manage.py rehearse_migrations --scratch NAME`: applies the pending migrations, and reports what each did.

A line of JSON for each as it ends: its operations, and the statements that were sent. A last line with `error`
and exit code 1 when one fails. It changes the database that the settings name, so that one's name has to be given.
With --wait the next migration begins after a line on standard input, so that the database can be read in between.
"""

import contextlib
import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import BadMigrationError, InconsistentMigrationHistory, NodeNotFoundError

from strangler_django.contract.rehearsal import Plan, ReaderGoneError, Rehearsal, RehearsalError
from strangler_django.contract.sentences import first_line
from strangler_django.contract.state import project_command

REFUSED = 3


class Command(BaseCommand):
    """Migrate a scratch database."""

    help = "Apply the pending migrations to a scratch database, and write what each did as a line of JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="its name in DATABASES")
        parser.add_argument("--scratch", required=True, metavar="NAME", help="the name of the database to change")
        parser.add_argument("--role", metavar="NAME", help="the role that must be signed in")
        parser.add_argument("--wait", action="store_true", help="wait for a line of input after each migration")
        parser.add_argument("--backward", nargs="+", default=[], metavar="APP.NAME", help="undo these instead")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the lines."""
        connection = connections[options["database"]]
        # A migration that reads the console must not take the lines that are meant for this command.
        self._lines = os.fdopen(os.dup(0)) if options["wait"] else None
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        try:
            _require(connection, options["scratch"], options["role"])
            # A migration that prints must not print between the lines.
            with contextlib.redirect_stdout(sys.stderr):
                if not options["backward"]:
                    _require_plan(options["database"])
                rehearsal = Rehearsal(connection, self._write)
                rehearsal.run(_plan(rehearsal, options["backward"]))
        except ReaderGoneError:
            sys.exit("The reader of the output has ended: nothing else was applied.")
        except RehearsalError as error:
            self._write(error.facts)
            raise CommandError(str(error)) from error
        except (BadMigrationError, InconsistentMigrationHistory, NodeNotFoundError) as error:
            raise CommandError(f"The migrations can't be planned ({first_line(error)}): fix them.") from error
        except Error as error:
            raise CommandError(
                f"The database doesn't answer ({first_line(error)}): check the settings' DATABASES."
            ) from error

    def _write(self, facts: dict[str, Any]) -> None:
        if facts.get("started") and self._lines is None:
            return
        try:
            self.stdout.write(json.dumps(facts, sort_keys=True))
            self.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        # The reader reads the database between two migrations.
        if self._lines is not None and not facts.get("started") and not self._lines.readline():
            raise ReaderGoneError


def _require(connection: BaseDatabaseWrapper, name: str, role: str | None) -> None:
    """Refuse to change any other database than the one that was named, or as another role."""
    if connection.vendor != "postgresql":
        raise CommandError("Migrations are rehearsed on PostgreSQL: set DATABASES to one.", returncode=REFUSED)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), session_user")
        connected, user = cursor.fetchone()
    if connected != name:
        raise CommandError(
            f"The settings name the database {connected}, and --scratch {name}: rehearse on a database of its own.",
            returncode=REFUSED,
        )
    if role not in (None, user):
        raise CommandError(
            f"The settings sign in as {user}, and not as {role}, who may do no harm: take USER from DATABASE_URL too.",
            returncode=REFUSED,
        )


def _require_plan(alias: str) -> None:
    """Run `migrate --plan`, which may be the project's own, for errors of checks, leaf migrations and the history."""
    try:
        call_command(
            project_command("migrate"), database=alias, plan=True, interactive=False, verbosity=0, skip_checks=False
        )
    except CommandError as error:
        raise CommandError(f"migrate refuses: {' '.join(str(error).split())}") from error


def _plan(rehearsal: Rehearsal, backward: list[str]) -> Plan:
    if not backward:
        return rehearsal.pending()
    names = [tuple(name.split(".", 1)) for name in backward]
    if any(len(name) < 2 for name in names):
        raise CommandError("--backward takes migrations as APP.NAME, such as shop.0001_initial.")
    try:
        return rehearsal.backwards(names)
    except ValueError as error:
        raise CommandError(str(error)) from error
