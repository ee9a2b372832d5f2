"""Background jobs: `manage.py procrastinate worker --queues default`, or FastAPI's worker, which knows them too."""

from datetime import timedelta

from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from django_app.blog.services import post_prune_drafts


@app.task(name="prune_drafts", retry=RetryStrategy(max_attempts=5, exponential_wait=4))
def prune_drafts(days: int) -> int:
    """Deletes the drafts that are older than so many days; returns their number."""
    return post_prune_drafts(before=timezone.now() - timedelta(days=days))
