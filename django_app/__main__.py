"""Starts the service in a container: `python -m django_app` waits for PostgreSQL, migrates, and becomes gunicorn."""

import os
import signal
import sys

import django

from django_app.config.database import database_settings
from django_app.config.environment import EnvironmentInvalidError, environment_read
from django_app.config.startup import DatabaseAbsentError, database_prepare, database_wait

_WAIT_S = 120
_USAGE_ERROR = 2
_FAILED = 4
_TERMINATED = 128 + signal.SIGTERM
_GUNICORN = ("-m", "gunicorn", "django_app.config.wsgi:application", "--config", "python:django_app.config.gunicorn")


def main() -> None:
    """Exits with 2 and a sentence where the environment is wrong, with 4 and a sentence where PostgreSQL is away."""
    # The first process of a container isn't ended by a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        environment = environment_read()
        database_settings(url=environment.database_url, pool_max=environment.db_pool_max)
        database_wait(url=environment.database_url, seconds=_WAIT_S)
    except EnvironmentInvalidError as error:
        sys.exit(_refuse(str(error), code=_USAGE_ERROR))
    except DatabaseAbsentError as error:
        sys.exit(_refuse(str(error), code=_FAILED))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_app.config.settings")
    django.setup()
    database_prepare(url=environment.database_url)
    sys.stdout.flush()
    os.execv(sys.executable, (sys.executable, *_GUNICORN))  # noqa: S606 - this Python, no shell


def _refuse(sentence: str, *, code: int) -> int:
    sys.stderr.write(f"django_app: {sentence}\n")
    return code


if __name__ == "__main__":
    main()
