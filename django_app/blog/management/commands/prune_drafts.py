"""`manage.py prune_drafts`: delete drafts that nobody finished."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from django_app.blog.services import post_prune_drafts
from django_app.blog.tasks import prune_drafts


class Command(BaseCommand):
    """Delete old drafts; published posts stay, however old."""

    help = "Delete the drafts that are older than so many days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--older-than", type=int, required=True, metavar="DAYS", help="age in days, 0 for all")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="only say how many there are")
        how.add_argument("--later", action="store_true", help="have a worker do it, and don't wait")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Delete, or count."""
        try:
            before = timezone.now() - timedelta(days=options["older_than"])
        except OverflowError as error:
            raise CommandError("--older-than reaches back before the year 1: give fewer days.") from error
        if options["older_than"] < 0:
            raise CommandError("--older-than is negative: give the age in days, 0 for all drafts.")
        if options["later"]:
            self.stdout.write(f"Enqueued as job {prune_drafts.defer(days=options['older_than'])}.")
            return
        number = post_prune_drafts(before=before, dry_run=options["dry_run"])
        verb = "Would delete" if options["dry_run"] else "Deleted"
        self.stdout.write(f"{verb} {number} {'draft' if number == 1 else 'drafts'}.")
