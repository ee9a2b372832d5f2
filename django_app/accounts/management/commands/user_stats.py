"""`manage.py user_stats`: who wrote how much."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from django_app.accounts.selectors import user_list_with_stats

COLUMNS = ("username", "posts", "published", "drafts")


class Command(BaseCommand):
    """Count every user's posts: a table on a terminal, tab-separated lines off it, JSON when asked for."""

    help = "Count each user's posts, the most productive user first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N users")
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Print the counts."""
        users = user_list_with_stats()[: options["limit"]]
        rows = [(u.username, u.post_count, u.published_count, u.post_count - u.published_count) for u in users]
        if options["json"]:
            stats = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
            self.stdout.write(json.dumps(stats, ensure_ascii=False))
        elif self.stdout.isatty():
            self._table(rows)
        else:
            for row in (COLUMNS, *rows):
                self.stdout.write("\t".join(map(str, row)))

    def _table(self, rows: list[tuple[Any, ...]]) -> None:
        table = Table(*COLUMNS)
        for row in rows:
            table.add_row(*map(str, row))
        Console().print(table)
