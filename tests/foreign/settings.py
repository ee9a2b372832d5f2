"""Settings of the library.

DATABASE_URL names its database. MIGRATION_MODULES="lending=other_migrations" names other packages of migrations than
the apps' own, by which tests add some.
"""

import os
from urllib.parse import unquote, urlsplit

_database = urlsplit(os.environ.get("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere"))

SECRET_KEY = "the secret key of a project that only tests run"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
# Neither admin nor auth: a project may do without them.
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "tests.foreign.books",
    "tests.foreign.lending",
    "tests.foreign.audit",
    "strangler_django",
]
MIGRATION_MODULES = dict(pair.split("=") for pair in os.environ.get("MIGRATION_MODULES", "").split())
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname or "",
        "PORT": str(_database.port or ""),
        "NAME": unquote(_database.path.lstrip("/")),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
    },
}
