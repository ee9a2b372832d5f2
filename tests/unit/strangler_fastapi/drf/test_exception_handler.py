"""A project's EXCEPTION_HANDLER, as the scaffold carries it over, answers each error as it does in Django."""

import copy
import json
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response as DrfResponse
from rest_framework.views import exception_handler
from rest_framework_simplejwt import exceptions as simplejwt

from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.scaffold.errors_module import error_argument, errors_text
from strangler_django.endpoints.exception_handlers import exception_handler_facts
from strangler_fastapi import errors
from strangler_fastapi.drf.http.exception_handler import Response, by_own_handler
from strangler_fastapi.errors import ApiError, NotPorted
from tests.handlers.errors import CARRIED, GAPS, of_rows, wrapped
from tests.unit.strangler_fastapi.test_errors import PAIRS

ROWS: list[tuple[ApiError, Exception]] = [
    (errors.Http404("No boat matches the given query."), Http404("No boat matches the given query.")),
    (errors.Http404(), Http404()),
    (errors.NotFound("Invalid page."), exceptions.NotFound("Invalid page.")),
]
DATABASES: list[tuple[ApiError, Exception]] = [
    (errors.DeleteProtected(), ProtectedError("in use", set())),
    (errors.DeleteRestricted(), RestrictedError("in use", set())),
    (errors.BrokenRule(), IntegrityError("twice")),
]


def carried(handler: Any) -> Any:
    """The handler that the scaffold writes."""
    facts = {
        "exception_handler": f"tests.{handler.__name__}",
        "own_exception_handler": exception_handler_facts(handler),
    }
    settings = DjangoSettings.model_validate(facts)
    assert settings.error_gap is None
    assert error_argument(settings) == ("exception_handler", handler.__name__)
    names: dict[str, Any] = {}
    exec(compile(errors_text(settings, "harbour_fastapi"), "errors.py", "exec"), names)  # noqa: S102 - our own
    return names[handler.__name__]


def both(handler: Any, error: ApiError, raised: Any, *, status: int | None = None, wanted: str = "") -> Any:
    """What each stack answers: status, headers and body as JSON."""
    # A handler may change what it is given.
    raised = copy.deepcopy(raised)
    headers = error.headers | ({"WWW-Authenticate": wanted} if wanted else {})
    ours = by_own_handler(carried(handler), error, Response(error.body, status or error.status, headers))
    if status:
        raised.status_code = status
    if wanted:
        raised.auth_header = wanted
    theirs = handler(raised, {"request": None})
    if theirs is None:
        assert ours.data is error.body
        return None
    their_headers = {name: value for name, value in theirs.headers.items() if name != "Content-Type"}
    assert (ours.status_code, ours.headers) == (theirs.status_code, their_headers)
    assert json.dumps(ours.data) == json.dumps(theirs.data)
    return theirs.data


@pytest.mark.parametrize("handler", CARRIED, ids=lambda each: each.__name__)
@pytest.mark.parametrize("pair", [*PAIRS, *ROWS], ids=lambda each: type(each[0]).__name__)
def test_each_error_is_worded_as_by_the_projects_own_handler(handler: Any, pair: tuple[ApiError, Any]) -> None:
    both(handler, *pair)


def test_the_status_and_headers_of_an_unknown_caller_are_the_views() -> None:
    for handler in CARRIED:
        both(handler, errors.NotAuthenticated(), exceptions.NotAuthenticated(), wanted='Bearer realm="api"')
        both(handler, errors.NotAuthenticated(), exceptions.NotAuthenticated(), status=403)
        both(handler, errors.InvalidToken("x"), simplejwt.InvalidToken("x"), wanted='Bearer realm="api"')


def test_what_the_database_refuses_is_an_exception_of_djangos() -> None:
    for error, raised in DATABASES:
        assert both(of_rows, error, raised)
        with pytest.raises(NotPorted, match="the text of"):
            both(wrapped, error, raised)
    assert both(CARRIED[0], *DATABASES[0]) is None


def test_a_body_of_an_error_is_none_of_another() -> None:
    error = errors.ValidationFailed({"name": ["x"]})
    before = json.dumps(error.body)
    for handler in CARRIED:
        by_own_handler(carried(handler), error, Response(error.body, 400))
    assert json.dumps(error.body) == before


@pytest.mark.parametrize("handler", GAPS, ids=lambda each: each.__name__)
def test_one_that_does_more_is_lacking_and_says_why(handler: Any) -> None:
    facts = exception_handler_facts(handler)
    assert facts == {"gap": GAPS[handler]}
    settings = DjangoSettings.model_validate({"exception_handler": "tests.x", "own_exception_handler": facts})
    assert settings.error_gap == f"errors by tests.x: {GAPS[handler]}"
    assert '@unported("errors by tests.x")' in errors_text(settings, "harbour_fastapi")


def test_errors_that_only_the_service_has_stay_its_own() -> None:
    error = errors.Unavailable("away")
    answered = Response(error.body, error.status)
    assert by_own_handler(carried(wrapped), error, answered) is answered


def test_a_handler_without_an_answer_fails_as_in_django() -> None:
    with pytest.raises(TypeError, match="no answer to NotFound"):
        by_own_handler(lambda _exc, _context: None, errors.NotFound(), Response({"detail": "Not found."}, 404))
    with pytest.raises(NotPorted, match="without a body"):
        by_own_handler(lambda _exc, _context: Response(), errors.NotFound(), Response({"detail": "Not found."}, 404))
    with pytest.raises(NotPorted, match="context"):
        by_own_handler(lambda _exc, _context: _context["view"], errors.NotFound(), Response({"detail": "x"}, 404))
    assert isinstance(exception_handler(exceptions.NotFound(), {}), DrfResponse)
