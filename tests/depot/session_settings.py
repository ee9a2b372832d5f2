"""The depot where browsers sign in: a form, a session, and a CSRF token with each write."""

import os

from tests.depot import settings as plain
from tests.depot.settings import *  # noqa: F403 - the same in all that isn't said here

INSTALLED_APPS = [*plain.INSTALLED_APPS, "django.contrib.sessions"]
MIDDLEWARE = [
    *plain.MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "tests.depot.session_urls"
LOGIN_REDIRECT_URL = "/api/items/"
REST_FRAMEWORK = {
    **plain.REST_FRAMEWORK,
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
}
CSRF_USE_SESSIONS = "DEPOT_CSRF_IN_SESSION" in os.environ
