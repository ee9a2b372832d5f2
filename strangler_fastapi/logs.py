"""Logs: one line of JSON for each record, with the request's id. No tokens, passwords or bodies."""

import json
import logging
import logging.config
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

# What stands in a line that belongs to no request.
NO_REQUEST: Final = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)

# What PostgreSQL and SQLAlchemy add to the error of a refused row: its values, hashes and tokens among them.
_VALUES = re.compile(
    r"\n(?:DETAIL: |\[parameters: ).*?(?=\nHINT: |\n\[SQL: |\n\(Background on |\n\nThe above |\n\nDuring |\Z)",
    re.DOTALL,
)

# `json.dumps` would make an encoder for each line.
_encode = json.JSONEncoder(ensure_ascii=False).encode


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line: time, level, logger, request id, message, and what `extra={"fields": …}` adds."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": request_id.get(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = _VALUES.sub("", self.formatException(record.exc_info))
        return _encode(line)


def configure_logs(level: str) -> None:
    """Sends every record of at least `level` to standard error."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"level": level.upper(), "handlers": ["stderr"]},
        }
    )
