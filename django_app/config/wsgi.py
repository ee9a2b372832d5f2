"""The WSGI application that gunicorn runs."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from django_app.config.database import time_limits_set
from strangler_django.traces import traces_begin

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_app.config.settings")

time_limits_set(settings.DATABASES["default"], statement_seconds=settings.STATEMENT_TIMEOUT)
if settings.TRACES:
    traces_begin("django_app")
application = get_wsgi_application()
