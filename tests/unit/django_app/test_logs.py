import json
import logging
import sys

import pytest

from django_app.config.logs import JsonFormatter, request_id, request_id_accept


def record(**extra: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": "hello %s", "args": ("you",), "levelno": 20, "levelname": "INFO"} | extra)


def test_a_record_is_one_line_of_json_with_the_requests_id() -> None:
    token = request_id.set("abc")
    try:
        line = JsonFormatter().format(record(status=200, password="hidden"))
    finally:
        request_id.reset(token)
    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["message"], parsed["request_id"], parsed["status"]) == ("hello you", "abc", 200)
    assert "password" not in parsed
    assert json.loads(JsonFormatter().format(record()))["request_id"] is None


def test_a_traceback_is_a_field_of_the_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        line = JsonFormatter().format(record(exc_info=sys.exc_info()))
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ValueError: broken")


@pytest.mark.parametrize("value", ["a", "0af7651916cd43dd8448eb211c80319c", "A.b-c_9", "x" * 128])
def test_an_id_of_nginx_is_kept(value: str) -> None:
    assert request_id_accept(value) == value


@pytest.mark.parametrize("value", [None, "", "-", "-a", "a b", 'a"b', "a\nb", "ä", "x" * 129])
def test_any_other_id_is_replaced(value: str | None) -> None:
    assert len(request_id_accept(value)) == 32
    assert request_id_accept(value) != request_id_accept(value)
