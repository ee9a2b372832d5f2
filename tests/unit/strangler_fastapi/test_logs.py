import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest

from strangler_fastapi.logs import JsonFormatter, configure_logs, request_id


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    """Leaves the root logger as it was: pytest's own handlers hang on it."""
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def record(**extra: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "fastapi_app.x", "msg": "hello %s", "args": ("you",), "levelno": 20, "levelname": "INFO"} | extra
    )


def parsed(line: str) -> dict[str, object]:
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_a_record_is_one_line_of_json_with_the_requests_id() -> None:
    token = request_id.set("0af7651916cd43dd8448eb211c80319c")
    try:
        line = parsed(JsonFormatter().format(record(fields={"status": 200}, created=0.5)))
    finally:
        request_id.reset(token)
    assert line == {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "info",
        "logger": "fastapi_app.x",
        "request_id": "0af7651916cd43dd8448eb211c80319c",
        "message": "hello you",
        "status": 200,
    }


def test_a_record_outside_a_request_has_no_id() -> None:
    assert parsed(JsonFormatter().format(record()))["request_id"] == "-"


def test_only_the_fields_that_were_meant_are_shown() -> None:
    assert "secret" not in JsonFormatter().format(record(password="secret", token="secret"))


def test_a_message_of_several_lines_and_a_traceback_stay_on_one() -> None:
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        line = parsed(JsonFormatter().format(record(msg="a\nb", args=(), exc_info=sys.exc_info())))
    assert line["message"] == "a\nb"
    assert str(line["exception"]).endswith("ValueError: broken\nin two")


@pytest.mark.parametrize("value", ["alice@private.example", "two\nlines", "a\n\nb", "HINT: x", "[SQL: x]"])
def test_the_values_of_a_refused_row_are_left_out(value: str) -> None:
    """As asyncpg and SQLAlchemy word such errors, the second raised from the first."""
    refused = f"null value in column\nDETAIL:  Failing row contains (1, {value}, null).\nHINT:  Fill it in."
    try:
        try:
            raise LookupError(refused)
        except LookupError as error:
            statement = "INSERT INTO users VALUES ($1)"
            raise OSError(
                f"{refused}\n[SQL: {statement}]\n[parameters: (1, {value!r})]\n(Background on this …)"
            ) from error
    except OSError:
        exception = str(parsed(JsonFormatter().format(record(exc_info=sys.exc_info())))["exception"])
    assert value not in exception
    for kept in ("null value in column", "HINT:  Fill it in.", "[SQL: INSERT", "(Background on", "direct cause"):
        assert kept in exception


@pytest.mark.parametrize(("level", "shown"), [("debug", 2), ("info", 1), ("error", 0)])
def test_records_of_the_level_go_to_standard_error(level: str, shown: int, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level)
    logger = logging.getLogger("fastapi_app.of_a_test")
    logger.debug("one")
    logger.info("two")
    written = capsys.readouterr()
    assert written.out == ""
    assert len(re.findall(r'"logger": "fastapi_app.of_a_test"', written.err)) == shown
