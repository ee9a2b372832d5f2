"""`manage.py seed`: demo data, and as much bulk data as wanted."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from django_app.blog import seeding
from sample_data.demo import DEMO_ARCHIVED, DEMO_NAMES, DEMO_OTHERS, DEMO_PASSWORD, DEMO_POSTS, RANDOM_SEED
from sample_data.text import SampleText


class Command(BaseCommand):
    """Fill the database; the same --random-seed on an empty database makes the same rows."""

    help = "Add demo data (--demo: once), users who cannot sign in (--users) and posts (--posts)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--demo", action="store_true", help="admin, alice and bob with DEMO_PASSWORD, and 1,500 posts"
        )
        parser.add_argument("--users", type=int, default=0, metavar="N", help="so many users more")
        parser.add_argument("--posts", type=int, default=0, metavar="N", help="so many posts more")
        parser.add_argument("--random-seed", type=int, default=RANDOM_SEED, metavar="N", help="what to draw texts with")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Make the users, posts and tags that the options name."""
        demo, users, posts = options["demo"], options["users"], options["posts"]
        if min(users, posts) < 0 or not (demo or users or posts):
            raise CommandError("Nothing to do: give --demo, --users N or --posts N, N above 0.")
        if demo and settings.IS_PRODUCTION and settings.DEMO_PASSWORD == DEMO_PASSWORD:
            raise CommandError("DEMO_PASSWORD is a placeholder that everybody can read: set another one.")
        started = time.perf_counter()
        text = SampleText(seed=options["random_seed"])
        with _progress() as progress:
            if demo:
                self._demo(progress, text)
            self._bulk(progress, text, users=users, posts=posts)
        if users or posts:
            _vacuum()
        self.stdout.write(f"Seeded in {time.perf_counter() - started:.1f} s.")

    def _demo(self, progress: Progress, text: SampleText) -> None:
        task = progress.add_task("demo data", total=DEMO_OTHERS + DEMO_POSTS + DEMO_ARCHIVED)
        advance = lambda rows: progress.advance(task, rows)  # noqa: E731 - bound to the task, used once
        if seeding.demo_seed(text=text, password=settings.DEMO_PASSWORD, advance=advance):
            self.stdout.write(f"Made the demo users {', '.join(DEMO_NAMES)} and {DEMO_POSTS + DEMO_ARCHIVED:,} posts.")
        else:
            progress.remove_task(task)
            self.stdout.write("The demo data is there already.")

    def _bulk(self, progress: Progress, text: SampleText, *, users: int, posts: int) -> None:
        for name, number, seed in (("users", users, seeding.users_seed), ("posts", posts, seeding.posts_seed)):
            if not number:
                continue
            task = progress.add_task(name, total=number)
            try:
                seed(number=number, text=text, advance=lambda rows, task=task: progress.advance(task, rows))
            except LookupError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"Added {number} {name}.")


def _vacuum() -> None:
    """Leave the tables as autovacuum would within a minute: until then a count reads every row and not the index alone.

    In a transaction, as in a test's, PostgreSQL refuses it.
    """
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) users, posts, tags, blog_post_tags")


def _progress() -> Progress:
    """A bar on a terminal, nothing off it; on stderr, so that it never mixes with what the command says."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
