"""What a request can be refused for, with DRF's status codes and words.

ApiError
├── ParseError            400
├── SuspiciousRequest     400
├── ValidationFailed      400
│   └── BrokenRule        400
├── NotAuthenticated      401
├── AuthenticationFailed  401
│   ├── InvalidToken      401
│   └── PasswordChanged   401
├── PermissionDenied      403
├── NotFound              404
│   └── Http404           404
├── MethodNotAllowed      405
├── NotAcceptable         406
├── DeleteProtected       409
│   └── DeleteRestricted  409
├── UnsupportedMediaType  415
├── Throttled             429
├── NotPorted             501
└── Unavailable           503
    └── Conflict          503

Source: `rest_framework.exceptions`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from shared_schema.refusals import CONFLICT, Refusal

# The key of what is wrong with a whole body (NON_FIELD_ERRORS_KEY of `create_application`).
NON_FIELD_ERRORS: Final = "non_field_errors"


class ErrorDetail(str):
    """A text of an error, with DRF's `code` of it, for a project's own form of errors (`error_body`).

    `message` is the catalogue's that the text is made of, where it has another one that reads alike.
    """

    __slots__ = ("code", "message")
    code: str
    message: str | None

    def __new__(cls, text: str, code: str, message: str | None = None) -> Self:
        """The text, which JSON has as any other."""
        made = super().__new__(cls, text)
        made.code = code
        made.message = message
        return made

    def __repr__(self) -> str:
        """As DRF's: a project's own form of errors may show a whole body as one text."""
        return f"ErrorDetail(string={str(self)!r}, code={self.code!r})"


def error_codes(body: Any) -> Any:  # noqa: ANN401 - any JSON
    """The codes of a body, in place of its texts (`APIException.get_codes`); None of a text that has none."""
    return _each(body, lambda text: getattr(text, "code", None))


def full_details(body: Any) -> Any:  # noqa: ANN401 - any JSON
    """The texts of a body, each as `message` with its `code` (`APIException.get_full_details`)."""
    return _each(body, lambda text: {"message": text, "code": getattr(text, "code", None)})


def _each(body: Any, made: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(body, Mapping):
        return {key: _each(value, made) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [_each(value, made) for value in body]
    return made(body)


def _coded(text: Any, code: str) -> Any:  # noqa: ANN401 - any JSON
    return text if isinstance(text, ErrorDetail) or not isinstance(text, str) else ErrorDetail(text, code)


class ApiError(Exception):
    """An answer that is an error: its status, JSON body and headers of its own.

    `answer` is what an endpoint answers in its place (`strangler_fastapi.drf.http.own_handler`).
    """

    status = 500

    def __init__(self, body: Any, headers: Mapping[str, str] | None = None) -> None:  # noqa: ANN401 - any JSON
        super().__init__(body)
        self.body = body
        self.answer: Any = None
        self.headers = dict(headers or {})


class ParseError(ApiError):
    """The body can't be read."""

    status = 400

    def __init__(self, detail: str = "Malformed request.") -> None:
        super().__init__({"detail": ErrorDetail(detail, "parse_error")})


class SuspiciousRequest(ApiError):
    """A request that Django itself refuses before any view sees it; the words are DRF's (`exceptions.bad_request`)."""

    status = 400

    def __init__(self) -> None:
        super().__init__({"error": "Bad Request (400)"})


class ValidationFailed(ApiError):
    """The input is not valid; `errors` maps fields to lists of sentences, or is such a list.

    A sentence without a code has DRF's `invalid`.
    """

    status = 400

    def __init__(self, errors: Mapping[str, Any] | list[str]) -> None:
        super().__init__(_each(errors, lambda text: _coded(text, "invalid")))


class BrokenRule(ValidationFailed):
    """Values that no rule of a body knew, and that the database refuses (Django's IntegrityError: 500)."""

    def __init__(self) -> None:
        super().__init__({NON_FIELD_ERRORS: ["These values break a rule of the database."]})


class NotAuthenticated(ApiError):
    """The endpoint wants a signed-in caller.

    Of this and of AuthenticationFailed the view says what `WWW-Authenticate` asks for; where it asks for nothing, the
    answer is 403.
    """

    status = 401

    def __init__(self) -> None:
        sentence = "Authentication credentials were not provided."
        super().__init__({"detail": ErrorDetail(sentence, "not_authenticated")})


class AuthenticationFailed(ApiError):
    """The credentials or the token are not accepted; `more` of the body is simplejwt's.

    `detail_code` is DRF's code of every text in it, also where simplejwt answers a `code` of its own.
    """

    status = 401

    def __init__(self, detail: str, *, detail_code: str = "authentication_failed", **more: Any) -> None:  # noqa: ANN401 - any JSON
        super().__init__(_each({"detail": detail, **more}, lambda text: _coded(text, detail_code)))


class InvalidToken(AuthenticationFailed):
    """A token of simplejwt's that is not accepted."""

    def __init__(self, detail: str, **more: Any) -> None:  # noqa: ANN401 - any JSON
        super().__init__(detail, detail_code="token_not_valid", code="token_not_valid", **more)


class PasswordChanged(AuthenticationFailed):
    """The token is older than the user's password."""

    def __init__(self) -> None:
        super().__init__("The user's password has been changed.", code="password_changed")


class PermissionDenied(ApiError):
    """The caller is known and may not; `more` of the body says what it would take."""

    status = 403

    def __init__(self, detail: str = "You do not have permission to perform this action.", **more: Any) -> None:  # noqa: ANN401 - any JSON
        super().__init__(_each({"detail": detail, **more}, lambda text: _coded(text, "permission_denied")))


class NotFound(ApiError):
    """There is no such thing."""

    status = 404

    def __init__(self, detail: str = "Not found.") -> None:
        super().__init__({"detail": ErrorDetail(detail, "not_found")})


class Http404(NotFound):
    """There is no such row, or no such format: Django's own exception, which DRF answers as NotFound."""


class MethodNotAllowed(ApiError):
    """The path has no such method."""

    status = 405

    def __init__(self, method: str) -> None:
        super().__init__({"detail": ErrorDetail(f'Method "{method}" not allowed.', "method_not_allowed")})


class NotAcceptable(ApiError):
    """The client takes no JSON, or a version that there isn't."""

    status = 406

    def __init__(self, detail: str = "Could not satisfy the request Accept header.") -> None:
        super().__init__({"detail": ErrorDetail(detail, "not_acceptable")})


class UnsupportedMediaType(ApiError):
    """The body is of a kind that no parser reads."""

    status = 415

    def __init__(self, media_type: str) -> None:
        sentence = f'Unsupported media type "{media_type}" in request.'
        super().__init__({"detail": ErrorDetail(sentence, "unsupported_media_type")})


class Throttled(ApiError):
    """The caller has as much as one may have; it may ask again after `retry_after` seconds."""

    status = 429

    def __init__(self, sentence: str, *, retry_after: int | None = 5) -> None:
        headers = {"Retry-After": str(retry_after)} if retry_after else None
        super().__init__({"detail": ErrorDetail(sentence, "throttled")}, headers)

    @classmethod
    def until(cls, seconds: int | None) -> Self:
        """DRF's own words: what is throttled is available in so many seconds; None where nobody can say."""
        if seconds is None:
            return cls("Request was throttled.", retry_after=None)
        unit = "second" if seconds == 1 else "seconds"
        return cls(f"Request was throttled. Expected available in {seconds} {unit}.", retry_after=seconds)


class DeleteProtected(ApiError):
    """Rows that Django would neither delete nor leave behind point at what is to be deleted; Django's answer is 500."""

    status = 409

    def __init__(self) -> None:
        super().__init__({"detail": "It can't be deleted, since others refer to it: delete or change those first."})


class DeleteRestricted(DeleteProtected):
    """As above, of a reference with RESTRICT; Django has another exception of it."""


class NotPorted(ApiError):
    """A part of the legacy service that FastAPI doesn't have yet; `strangler check` and `compare` report it."""

    status = 501

    def __init__(self, *what: str) -> None:
        super().__init__({"detail": f"Not ported from Django yet: {'; '.join(what)}."})


class Unavailable(ApiError):
    """The service can't answer now; the client may ask again after `retry_after` seconds."""

    status = 503

    def __init__(self, sentence: str, *, retry_after: int = 5) -> None:
        super().__init__({"detail": sentence}, {"Retry-After": str(retry_after)})

    @classmethod
    def of(cls, refusal: Refusal) -> "Unavailable":
        """What the database refuses for a reason that passes."""
        return Unavailable(refusal.detail, retry_after=refusal.retry_after)


class Conflict(Unavailable):
    """Another request changed the same rows at the same time; nothing of this one is written."""

    def __init__(self) -> None:
        super().__init__(CONFLICT.detail, retry_after=CONFLICT.retry_after)
