"""What an endpoint does where a handler of Django's own does something else than DRF's.

return await SNIPPETS.create(
    request,
    session,
    Handler(answer=Answer(201, {"message": "Made.", "snippet": DATA}), refused=Answer(400, {"errors": DATA})),
)
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import Response

from strangler_fastapi.db.driver_errors import DRIVER_ERRORS, driver_error
from strangler_fastapi.drf.http.negotiation import JSON
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.errors import ErrorDetail, Http404, NotFound, NotPorted, ValidationFailed

# What stands in the body of an Answer for what DRF would answer.
DATA: Final = object()
# What a column of a row is given that a handler marks: the time.
NOW: Final = object()
# That a flag of a row is what it wasn't.
TOGGLED: Final = object()
_NO_CONTENT: Final = 204
_OUT_OF_RANGE: Final = (asyncpg.NumericValueOutOfRangeError, asyncpg.CheckViolationError)
_BEYOND: Final = "This number would be beyond what it may be."


@dataclass(frozen=True)
class Added:
    """So much is added to a number of a row, which a handler counts up or down."""

    number: int


@dataclass(frozen=True)
class Answer:
    """A status and a body, with `DATA` in the place of what DRF would answer; that of None is empty."""

    status: int = 200
    body: Any = DATA

    @property
    def shows_data(self) -> bool:
        """Whether what DRF would answer is part of it."""
        return _shows(self.body)

    def response(self, data: Any = None) -> Response:  # noqa: ANN401 - any JSON
        """The answer, where DRF would answer `data`."""
        if self.body is None:
            return Response(status_code=self.status)
        if self.status == _NO_CONTENT:
            # What Django has there doesn't reach a client.
            return Response(status_code=self.status, media_type=JSON)
        return JsonResponse(_filled(self.body, data), status_code=self.status)


@dataclass(frozen=True)
class Handler:
    """Answers in place of DRF's: where all went well, where a row is `missing`, and where a body is `refused`.

    Those two are given as they are, whatever form errors have otherwise (`error_body` of `create_application`). Of
    what is `missing` a text is the detail of DRF's own answer, to the exception that the handler `raises`. A `partial`
    body says what changes and no more; that of a PATCH does where nothing is said.
    """

    answer: Answer | None = None
    missing: Answer | str | None = None
    raises: type[NotFound] = Http404
    refused: Answer | None = None
    partial: bool | None = None

    def response(self, data: Any = None) -> Response:  # noqa: ANN401 - any JSON
        """The answer, where DRF would answer `data`."""
        return (self.answer or Answer()).response(data)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Has what is missing, and a body that is refused, answered so."""
        try:
            yield
        except NotFound as error:
            if isinstance(self.missing, str):
                raise self.raises(self.missing) from None
            error.answer = self.missing
            raise
        except ValidationFailed as error:
            error.answer = self.refused
            raise


@contextmanager
def refused_counts(names: Collection[str]) -> Iterator[None]:
    """Has numbers of these attributes that their columns don't hold refused, on which Django fails with 500.

    Raises:
        ValidationFailed: there is one.
    """
    try:
        yield
    except (DBAPIError, *DRIVER_ERRORS) as error:
        if not names or not isinstance(driver_error(error), _OUT_OF_RANGE):
            raise
        raise ValidationFailed({name: [ErrorDetail(_BEYOND, "invalid")] for name in sorted(names)}) from None


def refuse_zero(request: Request, parameter: str) -> None:
    """Refuses a path whose parameter is 0, which a handler of Django's takes for none (`if pk:`).

    :raises NotPorted: it is.
    """
    value: str = request.path_params[parameter]
    if value.isdecimal() and int(value) == 0:
        raise NotPorted(f"{parameter} 0, which the handler takes for none")


def _shows(body: Any) -> bool:  # noqa: ANN401 - any JSON
    inner = body.values() if isinstance(body, Mapping) else body if isinstance(body, list) else ()
    return body is DATA or any(map(_shows, inner))


def _filled(body: Any, data: Any) -> Any:  # noqa: ANN401 - any JSON
    if body is DATA:
        return data
    if isinstance(body, Mapping):
        return {name: _filled(each, data) for name, each in body.items()}
    return body
