"""Logs: one line of JSON for each record on stderr, with the request's id.

Only what a caller of the logger names is written: no header, body or query string ever gets here, so no token or
password does either. nginx has the access log; this one ties a request's id to what Django did for it.
"""

import json
import logging
import re
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

REQUEST_LOGGER = "django_app.request"
# The extras of a record that are written; the rest of a record's attributes are of no use to an operator.
EXTRAS = ("method", "path", "status", "duration_ms")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def request_id_accept(value: str | None) -> str:
    """The id that nginx passed on, or a new one where there is none or it could not be an id."""
    if value and _REQUEST_ID.fullmatch(value):
        return value
    return uuid.uuid4().hex


class JsonFormatter(logging.Formatter):
    """Renders a record as one line of JSON; a traceback is a field of it, its line ends escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
        }
        line.update({name: getattr(record, name) for name in EXTRAS if hasattr(record, name)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def logging_settings(*, level: str) -> dict[str, Any]:
    """The `dictConfig` that Django and gunicorn share.

    :param level: one of `environment.LOG_LEVELS`.
    """
    name = level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"},
        },
        "root": {"handlers": ["stderr"], "level": name},
        "loggers": {
            "django": {"handlers": [], "level": name, "propagate": True},
            # Its warning for each 4xx would repeat the line of `django_app.request`.
            "django.request": {"level": "ERROR"},
            # It says at each start, and so at each command, that there are tasks.
            "procrastinate.blueprints": {"level": "WARNING"},
            "gunicorn.error": {"handlers": [], "level": name, "propagate": True},
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }
