"""Django's side: a receiver of a signal."""

from functools import partial
from typing import Any

from django.apps import AppConfig
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.signals import post_save

from tests.mailing.queue import enqueue


class MailingConfig(AppConfig):
    """Announces posts."""

    name = "tests.mailing"

    def ready(self) -> None:
        """Connects the receiver."""
        from django_app.blog.models import Post

        post_save.connect(announce, sender=Post)


def announce(instance: Any, *, created: bool, **_given: Any) -> None:
    """Has a new post announced once it is committed."""
    if created:
        transaction.on_commit(partial(sent, instance))


def sent(post: Any) -> None:
    """Announces a post."""
    send_mail(f"New: {post.title}", post.content, "blog@example.com", ["editors@example.com"])
    enqueue("index", post=post.pk, title=post.title)
