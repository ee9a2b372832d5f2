"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users and their tokens."""

    name = "django_app.accounts"
    label = "accounts"
