"""What an EXCEPTION_HANDLER of a project's own is written on: DRF's exceptions, its handler and its Response.

def handler(exc, context):
    response = exception_handler(exc, context)
    if response is not None:
        response.data = {"error": response.data, "status": response.status_code}
    return response

create_application(…, exception_handler=handler)

It gets each error that the service refuses a request with as the exception that Django raises for it, and no context.
Source: `rest_framework.exceptions`, `rest_framework.views.exception_handler`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from strangler_fastapi import errors
from strangler_fastapi.errors import ApiError, ErrorDetail, NotPorted, error_codes, full_details

_Detail = Any


class Response:
    """An answer of JSON: `data`, `status_code` and headers."""

    def __init__(
        self,
        data: Any = None,  # noqa: ANN401 - any JSON
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.status_code = status
        self.headers = dict(headers or {})


# Given the exception and a context, what is answered; None where nobody foresaw the exception.
ExceptionHandler = Callable[[Any, Any], Response | None]


class APIException(Exception):
    """DRF's base of errors. What it is made of has texts, lists and dictionaries, and `code` is that of its texts."""

    status_code: int = 500
    default_detail: str = "A server error occurred."
    default_code: str = "error"
    auth_header: str | None = None

    def __init__(self, detail: _Detail = None, code: str | None = None) -> None:
        super().__init__()
        self.detail = _coded(self.default_detail if detail is None else detail, code or self.default_code)

    def __str__(self) -> str:
        return str(self.detail)

    def get_codes(self) -> Any:  # noqa: ANN401 - any JSON
        """The codes of its texts."""
        return error_codes(self.detail)

    def get_full_details(self) -> Any:  # noqa: ANN401 - any JSON
        """Its texts, each with its code."""
        return full_details(self.detail)


class ValidationError(APIException):
    """400; one text is a list of it."""

    status_code = 400
    default_detail = "Invalid input."
    default_code = "invalid"

    def __init__(self, detail: _Detail = None, code: str | None = None) -> None:
        given = self.default_detail if detail is None else detail
        super().__init__(given if isinstance(given, dict | list | tuple) else [given], code)


class ParseError(APIException):
    """400 of a body that can't be read."""

    status_code = 400
    default_detail = "Malformed request."
    default_code = "parse_error"


class AuthenticationFailed(APIException):
    """401, or 403 where nothing is asked for."""

    status_code = 401
    default_detail = "Incorrect authentication credentials."
    default_code = "authentication_failed"


class NotAuthenticated(APIException):
    """As above, of a request without credentials."""

    status_code = 401
    default_detail = "Authentication credentials were not provided."
    default_code = "not_authenticated"


class InvalidToken(AuthenticationFailed):
    """simplejwt's, whose `detail` is a dictionary."""

    default_detail = "Token is invalid or expired"
    default_code = "token_not_valid"


class _OfSimplejwt(AuthenticationFailed):
    """simplejwt's own AuthenticationFailed, whose `detail` is a dictionary."""


_OfSimplejwt.__name__ = "AuthenticationFailed"


class PermissionDenied(APIException):
    """403."""

    status_code = 403
    default_detail = "You do not have permission to perform this action."
    default_code = "permission_denied"


class NotFound(APIException):
    """404 of pages and versions; what has no row is Http404."""

    status_code = 404
    default_detail = "Not found."
    default_code = "not_found"


class MethodNotAllowed(APIException):
    """405."""

    status_code = 405
    default_detail = 'Method "{method}" not allowed.'
    default_code = "method_not_allowed"


class NotAcceptable(APIException):
    """406."""

    status_code = 406
    default_detail = "Could not satisfy the request Accept header."
    default_code = "not_acceptable"


class UnsupportedMediaType(APIException):
    """415."""

    status_code = 415
    default_detail = 'Unsupported media type "{media_type}" in request.'
    default_code = "unsupported_media_type"


class Throttled(APIException):
    """429; `wait` are the seconds."""

    status_code = 429
    default_detail = "Request was throttled."
    default_code = "throttled"
    wait: int | None = None


class Http404(Exception):
    """Django's: there is no such row. It has a text, and nothing of an APIException."""


class IntegrityError(Exception):
    """Django's, of rows that the database refuses. DRF's handler has no answer to it; its text isn't known here."""

    def __str__(self) -> str:
        """Is refused.

        Raises:
            NotPorted: in any case.
        """
        raise NotPorted(f"the text of {type(self).__name__} in an answer")


class ProtectedError(IntegrityError):
    """Django's, of rows that others refer to with PROTECT."""


class RestrictedError(IntegrityError):
    """Django's, of rows that others refer to with RESTRICT."""


# What Django raises where the service refuses a request; the first that fits. Of others only the service speaks.
_TWINS: Final[tuple[tuple[type[ApiError], type[Exception]], ...]] = (
    (errors.DeleteRestricted, RestrictedError),
    (errors.DeleteProtected, ProtectedError),
    (errors.BrokenRule, IntegrityError),
    (errors.ValidationFailed, ValidationError),
    (errors.ParseError, ParseError),
    (errors.InvalidToken, InvalidToken),
    (errors.AuthenticationFailed, AuthenticationFailed),
    (errors.NotAuthenticated, NotAuthenticated),
    (errors.PermissionDenied, PermissionDenied),
    (errors.Http404, Http404),
    (errors.NotFound, NotFound),
    (errors.MethodNotAllowed, MethodNotAllowed),
    (errors.NotAcceptable, NotAcceptable),
    (errors.UnsupportedMediaType, UnsupportedMediaType),
    (errors.Throttled, Throttled),
)


def exception_handler(exc: Exception, context: object) -> Response | None:  # noqa: ARG001 - DRF's signature
    """What DRF answers; None of an exception that isn't its own."""
    if isinstance(exc, Http404):
        exc = NotFound(*exc.args)
    if not isinstance(exc, APIException):
        return None
    headers = {"WWW-Authenticate": exc.auth_header} if exc.auth_header else {}
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(wait)
    data = exc.detail if isinstance(exc.detail, dict | list) else {"detail": exc.detail}
    return Response(data, status=exc.status_code, headers=headers)


def by_own_handler(handler: ExceptionHandler, error: ApiError, answered: Response) -> Response:
    """What a project's handler makes of an error, which DRF's own has `answered`.

    Raises:
        NotPorted: it needs what only Django has.
        TypeError: it answers nothing, as nobody has foreseen the error; Django fails with 500.
    """
    exc = _raised(error, answered)
    if exc is None:
        return answered
    response = handler(exc, _Context())
    if response is not None:
        if response.data is None:
            raise NotPorted("an error without a body")
        return Response(_plain(response.data), response.status_code, response.headers)
    if isinstance(exc, IntegrityError):
        # Django's 500 is refused with what is right.
        return answered
    raise TypeError(f"The exception handler has no answer to {type(exc).__name__}")


class _Context:
    """What Django's handler is given besides: the view and its request, which are others here."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - nothing
        raise NotPorted("the context of an exception")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - nothing
        raise NotPorted("the context of an exception")


def _raised(error: ApiError, answered: Response) -> Exception | None:
    """The exception that Django raises for an error; None of one that the service alone has."""
    kind = next((twin for known, twin in _TWINS if isinstance(error, known)), None)
    data = answered.data
    if kind is Http404:
        # In a language, or not, nobody has said it.
        is_usual = error.body["detail"] == NotFound.default_detail
        return Http404() if is_usual else Http404(str(data["detail"]))
    if kind is None or not issubclass(kind, APIException):
        return None if kind is None else kind()
    if kind is not ValidationError and isinstance(data, dict) and [*data] == ["detail"]:
        data = data["detail"]
    elif kind is AuthenticationFailed:
        kind = _OfSimplejwt
    exc = kind(data)
    exc.status_code = answered.status_code
    exc.auth_header = answered.headers.get("WWW-Authenticate")
    if isinstance(exc, Throttled) and "Retry-After" in answered.headers:
        exc.wait = math.ceil(float(answered.headers["Retry-After"]))
    return exc


def _coded(detail: _Detail, code: str) -> _Detail:
    """A copy of it, whose texts have a code (`_get_error_details`)."""
    if isinstance(detail, list | tuple):
        return [_coded(each, code) for each in detail]
    if isinstance(detail, Mapping):
        return {key: _coded(value, code) for key, value in detail.items()}
    return ErrorDetail(str(detail), getattr(detail, "code", code))


def _plain(data: Any) -> Any:  # noqa: ANN401 - any JSON
    """What a project answers as JSON has it; of what can be gone through a list, as DRF's encoder makes."""
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, Iterable) and not isinstance(data, str):
        return [_plain(each) for each in data]
    return data
