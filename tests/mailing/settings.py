"""The settings of the example's Django, whose signals announce posts."""

import os

from django_app.config.settings import *  # noqa: F403 - Django wants the names here

INSTALLED_APPS = [*INSTALLED_APPS, "tests.mailing"]  # noqa: F405 - from the line above
EMAIL_HOST, EMAIL_PORT = os.environ["EMAIL_HOST"], int(os.environ["EMAIL_PORT"])
