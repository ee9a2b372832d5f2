"""The WSGI application that gunicorn runs."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from django_app.config.database import time_limits_set

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_app.config.settings")

time_limits_set(settings.DATABASES["default"], statement_seconds=settings.STATEMENT_TIMEOUT)
application = get_wsgi_application()
