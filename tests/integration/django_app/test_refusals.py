"""What the database refuses for reasons that pass is a 503 of REST framework's views and of others, and no 500."""

import logging

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from psycopg_pool import PoolTimeout
from rest_framework.test import APIClient

from shared_schema.refusals import AWAY, CONFLICT, FULL, READ_ONLY, Refusal
from strangler_django.refusals import DatabaseRefusalMiddleware

FUNCTION = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$"
TRIGGER = "CREATE TRIGGER refuse BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION refuse()"


@pytest.mark.parametrize(
    ("state", "refusal"), [("53100", FULL), ("53300", AWAY), ("40001", CONFLICT), ("25006", READ_ONLY)]
)
def test_the_answer_says_when_to_come_back_and_nothing_of_postgresqls(
    as_alice: APIClient, caplog: pytest.LogCaptureFixture, state: str, refusal: Refusal
) -> None:
    with connection.cursor() as cursor:
        raises = f"RAISE 'no space in /var/lib/secret' USING ERRCODE = '{state}', DETAIL = 'the row (new, 1)';"
        cursor.execute(FUNCTION.format(raises))
        cursor.execute(TRIGGER)
    answer = as_alice.post("/api/tags/", {"name": "new"})
    assert (answer.status_code, answer.json()) == (503, {"detail": refusal.detail})
    assert answer.headers["Retry-After"] == str(refusal.retry_after)
    assert "503 POST /api/tags/: no space in /var/lib/secret" in caplog.messages
    assert "the row" not in caplog.text


def refused(path: str, exception: Exception) -> HttpResponse | None:
    request = RequestFactory().get(path)
    request.user = AnonymousUser()
    request.resolver_match = resolve(path)
    return DatabaseRefusalMiddleware(lambda _request: HttpResponse()).process_exception(request, exception)


@pytest.mark.parametrize(
    "exception",
    [OperationalError("the connection is lost"), InterfaceError("closed"), PoolTimeout("couldn't get a connection")],
    ids=["operational", "interface", "pool"],
)
def test_a_database_that_is_gone_has_no_state(exception: Exception) -> None:
    answer = refused("/api/tags/", exception)
    assert answer is not None
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/json")
    page = refused("/admin/login/", exception)
    assert page is not None
    assert (page.content.decode(), page.headers["Content-Type"]) == (AWAY.detail, "text/plain")


def test_what_is_a_fault_stays_one(as_alice: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FUNCTION.format("RAISE 'refused';"))
        cursor.execute(TRIGGER)
    as_alice.raise_request_exception = False
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    assert as_alice.post("/api/tags/", {"name": "new"}).status_code == 500
