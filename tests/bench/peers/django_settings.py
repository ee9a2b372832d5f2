"""The example's settings as the Django peers have them: nothing that answers of theirs don't need."""

import importlib.util

import orjson

from django_app.config.settings import *  # noqa: F403
from django_app.config.settings import DATABASES, INSTALLED_APPS, REST_FRAMEWORK, SIMPLE_JWT

MIDDLEWARE: list[str] = []
# What the admin wants, which nobody asks for here.
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410"]
# A connection of each thread, kept for good, in the place of a pool that looks whether each still works; statements are
# prepared, which Django leaves off.
DATABASES["default"] |= {"ATOMIC_REQUESTS": False, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}
DATABASES["default"]["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 1}
del DATABASES["default"]["OPTIONS"]["pool"]
REST_FRAMEWORK |= {
    "DEFAULT_RENDERER_CLASSES": ["drf_orjson_renderer.renderers.ORJSONRenderer"],
    "ORJSON_RENDERER_OPTIONS": (orjson.OPT_UTC_Z,),
}
BOLT_API = ["tests.bench.peers.bolt:api"]
BOLT_JWT_SECRET = SIMPLE_JWT["SIGNING_KEY"]
# It has no release for Python 3.11.
if importlib.util.find_spec("django_bolt"):
    INSTALLED_APPS.append("django_bolt")
