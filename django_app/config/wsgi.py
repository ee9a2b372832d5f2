"""The WSGI application that gunicorn runs."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from django_app.config.database import statement_timeout_set

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_app.config.settings")

statement_timeout_set(settings.DATABASES["default"], seconds=settings.STATEMENT_TIMEOUT)
application = get_wsgi_application()
