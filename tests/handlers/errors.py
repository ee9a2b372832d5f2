"""EXCEPTION_HANDLERs as projects have them: each is carried over, and what isn't says why."""

# ruff: noqa: ARG001, LOG004 - functions as projects have them

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError
from django.http import Http404, JsonResponse
from rest_framework import exceptions, status
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler as drf_handler

logger = logging.getLogger(__name__)
TITLES = {400: "Bad input", 404: "Not here"}
SUPPORT = "ask@example.org"
kept: dict[str, Any] = {}


class ShopError(Exception):
    """What the project's own code raises."""

    message = "closed"


def with_status(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Adds the status to the body."""
    response = drf_handler(exc, context)
    if isinstance(exc, ShopError):
        return Response({"error": exc.message}, status=status.HTTP_409_CONFLICT)
    if response is not None and isinstance(response.data, dict):
        response.data["status_code"] = response.status_code
    return response


def wrapped(exc: Exception, context: dict[str, Any]) -> Response | None:
    """An envelope, with a title of the status."""
    request = context.get("request")
    user = request.user if request else None
    response = drf_handler(exc, context)
    if response is None:
        logger.exception("unforeseen: %s of %s", exc, user)
        return Response({"success": False, "message": str(exc)}, status=500)
    logger.warning("refused %s", type(exc).__name__, extra={"status": response.status_code})
    titles = {each.value: each.phrase for each in HTTPStatus}
    response.data = {
        "success": False,
        "title": TITLES.get(response.status_code, titles[response.status_code]),
        "kind": exc.__class__.__name__,
        "support": SUPPORT,
        "errors": response.data,
    }
    return response


def flattened(exc: Exception, context: dict[str, Any]) -> Response | None:
    """One list of all texts, with fields and codes."""
    response = drf_handler(exc, context)
    if response is None:
        return None
    found: list[dict[str, Any]] = []
    _flatten(response.data, found)
    response.data = {"errors": found, "code": getattr(exc, "default_code", "error"), "text": str(exc)}
    return response


def _flatten(errors: Any, found: list[dict[str, Any]], field: str | None = None) -> None:
    if isinstance(errors, dict):
        for name, value in errors.items():
            _flatten(value, found, name if field is None else f"{field}.{name}")
    elif isinstance(errors, list):
        for each in errors:
            _flatten(each, found, field)
    elif isinstance(errors, ErrorDetail):
        found.append({"field": field, "code": errors.code, "text": errors})
    else:
        found.append({"field": field, "code": None, "text": str(errors)})


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Other exceptions in place of Django's, and a body made of what is left."""
    if isinstance(exc, DjangoValidationError):
        exc = exceptions.ValidationError(as_serializer_error(exc))
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    if isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    response = drf_handler(exc, context)
    if response is None:
        return response
    if isinstance(exc.detail, (list, dict)):  # type: ignore[attr-defined] # an APIException
        response.data = {"detail": response.data}
    if isinstance(exc, exceptions.ValidationError):
        response.data["message"] = "Validation error"
    else:
        response.data["message"] = response.data["detail"]
    del response.data["detail"]
    return response


def chosen(exc: Exception, context: dict[str, Any]) -> Response | None:
    """A function for each kind."""
    handlers = {"ValidationError": _invalid, "Http404": _missing, "NotAuthenticated": _unknown}
    response = drf_handler(exc, context)
    kind = exc.__class__.__name__
    if response is not None and kind in handlers:
        return handlers[kind](exc, context, response)
    return response


def _invalid(exc: Any, context: Any, response: Response) -> Response:
    response.data = {"codes": exc.get_codes(), "details": exc.get_full_details(), "text": f"{exc}"}
    response.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    return response


def _missing(exc: Any, context: Any, response: Response) -> Response:
    return Response({"error": "Nothing is here", "was": str(exc)}, status=status.HTTP_404_NOT_FOUND)


def _unknown(exc: Any, context: Any, response: Response) -> Response:
    return Response({"error": "Sign in"}, 401)


def of_rows(exc: Exception, context: dict[str, Any]) -> Response | None:
    """What the database refuses."""
    if isinstance(exc, (ProtectedError, ShopError)):
        return Response({"error": "It is in use"}, status=status.HTTP_409_CONFLICT)
    if isinstance(exc, IntegrityError) and not isinstance(exc, ObjectDoesNotExist):
        return Response({"error": "Such a row is there"}, status=status.HTTP_400_BAD_REQUEST)
    response = drf_handler(exc, context)
    if isinstance(exc, exceptions.Throttled) and response is not None:
        response.data = {"wait": exc.wait}
    return response


CARRIED = (with_status, wrapped, flattened, exception_handler, chosen, of_rows)


def of_path(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Shows the request."""
    response = drf_handler(exc, context)
    if response is not None:
        response.data["path"] = context["request"].path
    return response


def of_debugging(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Looks at a setting."""
    response = drf_handler(exc, context)
    if response is not None and settings.DEBUG:
        response.data["kind"] = type(exc).__name__
    return response


def of_page(exc: Exception, context: dict[str, Any]) -> Any:
    """No answer of DRF's."""
    return JsonResponse({"error": str(exc)}, status=400)


def of_kept(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Looks at what requests leave."""
    response = drf_handler(exc, context)
    if response is not None:
        kept["last"] = response.status_code
        response.data = kept
    return response


def of_arguments(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Looks at what exceptions have in Django alone."""
    return Response({"error": exc.args}, status=400)


def of_other(exc: Exception, context: dict[str, Any]) -> Response | None:
    """As above."""
    return Response({"error": str(getattr(exc, "args", ()))}, status=400)


GAPS = {
    of_path: "of_path looks at context['request'].path",
    of_debugging: "of_debugging names settings",
    of_page: "of_page calls JsonResponse",
    of_kept: "of_kept names kept",
    of_arguments: "of_arguments looks at exc.args",
    of_other: "of_other looks at getattr(exc, 'args', ())",
}
