"""The app that a project puts into its INSTALLED_APPS."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import pre_migrate

from strangler_django.ownership import makemigrations_guard, refuse_migrate
from strangler_django.versions import too_old


class StranglerConfig(AppConfig):
    """Management commands; it has no models."""

    name = "strangler_django"

    def ready(self) -> None:
        """Have `migrate` and `makemigrations` refuse once the tables are Alembic's.

        Raises:
            ImproperlyConfigured: Django or Django REST framework is too old.
        """
        if sentence := too_old():
            raise ImproperlyConfigured(sentence)
        pre_migrate.connect(refuse_migrate, dispatch_uid="strangler_django.ownership")
        makemigrations_guard()
