"""What a view of REST framework lacks under load."""

import re
from typing import Any, Final

import psycopg
from django.db import IntegrityError
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

# "Key (name)=(moving) already exists.", in the server's language.
_COLUMN: Final = re.compile(r"\((\w+)\)=\(")


class UniqueRaceMixin(GenericAPIView):
    """Refuses a unique value that another request took meanwhile as one that was taken before; name it first.

    UniqueValidator looks before the row is written, so of two requests at once both may pass it, and PostgreSQL refuses
    one: a 500 of REST framework. FastAPI's `Serializer.refuse_duplicates` answers the same.
    """

    def handle_exception(self, exc: Exception) -> Response:
        """See REST framework."""
        if isinstance(exc, IntegrityError) and isinstance(exc.__cause__, psycopg.errors.UniqueViolation):
            exc = self._refusal(exc.__cause__) or exc
        return super().handle_exception(exc)

    def _refusal(self, violation: psycopg.errors.UniqueViolation) -> ValidationError | None:
        """What the serializer would have said, None if the column is none of its own."""
        column = _COLUMN.search(violation.diag.message_detail or "")
        fields: dict[str, Any] = self.get_serializer().fields
        for name, field in fields.items():
            for rule in field.validators:
                if column and isinstance(rule, UniqueValidator):
                    model = rule.queryset.model._meta  # noqa: SLF001 - Django's documented name
                    taken = model.get_field(field.source).column
                    if (model.db_table, taken) == (violation.diag.table_name, column[1]):
                        return ValidationError({name: [ErrorDetail(str(rule.message), code="unique")]})
        return None
