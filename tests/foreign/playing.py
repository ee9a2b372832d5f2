"""Plays Django's part for a test: reads what to do from stdin, a line of JSON each, and says what came of it.

Everything is taken back afterwards.
"""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.foreign.settings")
django.setup()

from django.apps import apps  # noqa: E402 - needs the apps above
from django.db import IntegrityError, connection, transaction  # noqa: E402
from django.db.models import ProtectedError, RestrictedError  # noqa: E402

from tests.foreign.rows import CHECK, clearing, insertions, selection  # noqa: E402


def play(order: dict[str, Any]) -> dict[str, Any]:
    """Adds `rows`, deletes or creates as `order` says, and reads the tables."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(clearing(order["rows"]))
        for statement, rows in insertions(order["rows"]):
            cursor.execute(statement.replace("%", "%%").format("%s"), [json.dumps(rows)])
        try:
            with transaction.atomic():
                counts = act(order)
                cursor.execute(CHECK)
        except (ProtectedError, RestrictedError) as error:
            outcome: dict[str, Any] = {"outcome": type(error).__name__}
        except IntegrityError as error:
            outcome = {"outcome": getattr(error.__cause__, "sqlstate", "")}
        else:
            cursor.execute(selection(order["tables"]))
            outcome = {"outcome": "done", "counts": counts, "rows": json.loads(cursor.fetchone()[0])}
        transaction.set_rollback(True)
    return outcome


def act(order: dict[str, Any]) -> dict[str, int]:
    """How many rows went, by the label of their model."""
    model = apps.get_model(order["model"])
    if "keys" not in order:
        model.objects.create(**order["values"])
        return {}
    keys = [tuple(key) if isinstance(key, list) else key for key in order["keys"]]
    _, counts = model.objects.filter(pk__in=keys).delete()
    return {label: count for label, count in counts.items() if count}


for line in sys.stdin:
    sys.stdout.write(json.dumps(play(json.loads(line))) + "\n")
    sys.stdout.flush()
