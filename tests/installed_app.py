"""Django knows the models of a package of the tests for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import AppConfig, apps


@contextmanager
def installed_app(package: str) -> Iterator[None]:
    """Its models are related to the users meanwhile; `override_settings` would have every app begin again."""
    config = AppConfig.create(package)
    config.apps = apps
    apps.app_configs[config.label] = config
    try:
        config.import_models()
        apps.clear_cache()
        yield
    finally:
        del apps.app_configs[config.label]
        apps.clear_cache()
