"""The legacy service's settings under test: its own, over an environment that is the same on every machine."""

import os

os.environ.update(
    ENVIRONMENT="development",
    SECRET_KEY="the secret key of the tests, long enough for production",
    JWT_SIGNING_KEY="the signing key of the tests, long enough for production",
    # Nothing listens there: a test that wants a database gets its address from tests/integration/conftest.py.
    DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere",
    DB_POOL_MAX="4",
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    DEMO_PASSWORD="strangler-demo",
    LOG_LEVEL="info",
    REPORT_SQL="0",
)

from django_app.config.settings import *  # noqa: F403 - Django wants the names here, after the environment is set

DATABASES["default"]["TEST"] = {"NAME": "test_django_app"}  # noqa: F405 - from the line above
