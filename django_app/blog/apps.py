"""The app `blog`."""

from django.apps import AppConfig


class BlogConfig(AppConfig):
    """Posts and tags."""

    name = "django_app.blog"
    label = "blog"
