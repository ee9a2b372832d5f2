"""The app that a project puts into its INSTALLED_APPS."""

from django.apps import AppConfig


class StranglerConfig(AppConfig):
    """Management commands; it has no models."""

    name = "strangler_django"
