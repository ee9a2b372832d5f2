"""The app `contract`."""

from django.apps import AppConfig


class ContractConfig(AppConfig):
    """Management commands; it has no models."""

    name = "django_app.contract"
    label = "contract"
