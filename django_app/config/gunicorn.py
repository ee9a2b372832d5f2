"""gunicorn's configuration: `gunicorn django_app.config.wsgi:application --config django_app/config/gunicorn.py`.

https://docs.gunicorn.org/en/stable/settings.html names each setting.
"""

import gc
import os
import sys

from django_app.config.database import database_settings
from django_app.config.demo_accounts import demo_accounts_left
from django_app.config.environment import (
    EnvironmentInvalidError,
    environment_read,
    server_environment_read,
)
from django_app.config.logs import logging_settings
from django_app.config.startup import database_open
from sample_data.demo import DEMO_PASSWORD
from shared_schema.service_metrics import share_metrics
from strangler_django.health import health_first

# A bad environment ends the start here, in one sentence, and not in every worker with a traceback.
try:
    environment = environment_read()
    database_settings(url=environment.database_url, pool_max=environment.db_pool_max)
    server = server_environment_read()
except EnvironmentInvalidError as error:
    sys.exit(str(error))
# The hashers that settings name check the passwords, before any worker has loaded them.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_app.config.settings")
if environment.is_production and (
    left := demo_accounts_left(
        url=environment.database_url, passwords=frozenset({environment.demo_password, DEMO_PASSWORD})
    )
):
    sys.exit(
        f"The demo users {', '.join(left)} can sign in with the demo password: give each another with"
        " `manage.py changepassword NAME`, or delete them."
    )

bind = server.bind
workers = server.workers
threads = server.threads
# gthread, of which a probe learns that it works also while all threads do.
worker_class = health_first("/api/health/")
# Above nginx's upstream keep-alive (60 s), so that nginx never reuses a connection that is just being closed.
keepalive = 75
timeout = 60
graceful_timeout = 20
# Each worker imports the application itself, so a restarted worker takes nothing over, and pools are never shared.
preload_app = False
# The largest that it takes, so that nginx refuses first, and in JSON; FastAPI has the same limits.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# nginx writes the access log.
accesslog = None
logconfig_dict = logging_settings(level=server.log_level)
# Nobody steers this server while it runs, and all of a user's gunicorns would share the default socket below $HOME.
control_socket_disable = True
if environment.service_metrics:
    share_metrics()


def post_worker_init(_worker: object) -> None:
    """Connect, and have Python's collector pass over what was imported: a full collection would stop all threads."""
    database_open()
    gc.collect()
    gc.freeze()
