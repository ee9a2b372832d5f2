"""The depot under any WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("DEPOT_SETTINGS", "tests.depot.settings")
application = get_wsgi_application()
