"""The app's configuration."""

from django.apps import AppConfig


class SignInConfig(AppConfig):
    """One table, which both stacks count in."""

    name = "strangler_django.sign_in"
    label = "strangler_sign_in"
    verbose_name = "Sign-in"
