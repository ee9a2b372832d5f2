"""Each error has DRF's status, body and headers."""

import inspect
from typing import Any

import pytest
from rest_framework import exceptions
from rest_framework.views import exception_handler
from rest_framework_simplejwt import exceptions as simplejwt

from strangler_fastapi import errors
from strangler_fastapi.errors import ApiError

PAIRS: list[tuple[ApiError, exceptions.APIException]] = [
    (errors.ParseError(), exceptions.ParseError()),
    (errors.ValidationFailed({"title": ["x"]}), exceptions.ValidationError({"title": ["x"]})),
    (errors.ValidationFailed(["x"]), exceptions.ValidationError(["x"])),
    (errors.NotAuthenticated(), exceptions.NotAuthenticated()),
    (errors.AuthenticationFailed("x"), exceptions.AuthenticationFailed("x")),
    (
        errors.AuthenticationFailed("x", detail_code="no_active_account"),
        exceptions.AuthenticationFailed("x", "no_active_account"),
    ),
    (errors.AuthenticationFailed("x", code="user_inactive"), simplejwt.AuthenticationFailed("x", code="user_inactive")),
    (
        errors.PasswordChanged(),
        simplejwt.AuthenticationFailed("The user's password has been changed.", code="password_changed"),
    ),
    (errors.InvalidToken("x"), simplejwt.InvalidToken("x")),
    (
        errors.InvalidToken("x", messages=[{"token_class": "AccessToken", "message": "y"}]),
        simplejwt.InvalidToken({"detail": "x", "messages": [{"token_class": "AccessToken", "message": "y"}]}),
    ),
    (errors.PermissionDenied(), exceptions.PermissionDenied()),
    (errors.NotFound(), exceptions.NotFound()),
    (errors.MethodNotAllowed("PUT"), exceptions.MethodNotAllowed("PUT")),
    (errors.NotAcceptable(), exceptions.NotAcceptable()),
    (
        errors.ValidationFailed({"title": [errors.ErrorDetail("x", "blank"), "y"], "rows": [{}, {"name": ["z"]}]}),
        exceptions.ValidationError(
            {"title": [exceptions.ErrorDetail("x", "blank"), "y"], "rows": [{}, {"name": ["z"]}]}  # type: ignore[list-item] # DRF takes them
        ),
    ),
    (errors.Throttled.until(7), exceptions.Throttled(7)),
    (errors.UnsupportedMediaType("text/plain"), exceptions.UnsupportedMediaType("text/plain")),
]


@pytest.mark.parametrize(("error", "drf_error"), PAIRS, ids=lambda error: type(error).__name__)
def test_an_error_is_answered_as_in_drf(error: ApiError, drf_error: exceptions.APIException) -> None:
    response: Any = exception_handler(drf_error, {})
    assert (error.status, error.body) == (response.status_code, response.data)
    assert error.headers == {name: value for name, value in response.headers.items() if name != "Content-Type"}
    codes, details = drf_error.get_codes(), drf_error.get_full_details()
    is_whole = not isinstance(drf_error.detail, dict | list)
    assert errors.error_codes(error.body) == ({"detail": codes} if is_whole else codes)
    assert errors.full_details(error.body) == ({"detail": details} if is_whole else details)


def test_a_service_that_is_away_says_when_to_ask_again() -> None:
    error = errors.Unavailable("The database is away.", retry_after=7)
    assert (error.status, error.body) == (503, {"detail": "The database is away."})
    assert error.headers == {"Retry-After": "7"}


def test_the_tree_in_the_documentation_is_the_tree_in_the_code() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ApiError)]
    drawn = {tuple(line.split()[-2:]) for line in (errors.__doc__ or "").splitlines() if "──" in line}
    assert drawn == {(kind.__name__, str(kind.status)) for kind in kinds if kind is not ApiError}
