"""What a view of REST framework lacks under load."""

import re
from typing import Any, Final, Protocol

from django.db import IntegrityError
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

# "Key (name)=(moving) already exists.", in the server's language.
_COLUMN: Final = re.compile(r"\((\w+)\)=\(")
# PostgreSQL's code of a unique constraint that refuses a row.
_UNIQUE_VIOLATION: Final = "23505"


class _Diagnostics(Protocol):
    """What PostgreSQL says of an error; psycopg and psycopg2 name it alike."""

    message_detail: str | None
    sqlstate: str | None
    table_name: str | None


class UniqueRaceMixin(GenericAPIView):
    """Refuses a unique value that another request took meanwhile as one that was taken before; name it first.

    UniqueValidator looks before the row is written, so of two requests at once both may pass it, and PostgreSQL refuses
    one: a 500 of REST framework. FastAPI's `Serializer.refuse_duplicates` answers the same.
    """

    def handle_exception(self, exc: Exception) -> Response:
        """See REST framework."""
        if isinstance(exc, IntegrityError):
            said = getattr(exc.__cause__, "diag", None)
            if said is not None and said.sqlstate == _UNIQUE_VIOLATION:
                exc = self._refusal(said) or exc
        return super().handle_exception(exc)

    def _refusal(self, violation: _Diagnostics) -> ValidationError | None:
        """What the serializer would have said, None if the column is none of its own."""
        column = _COLUMN.search(violation.message_detail or "")
        fields: dict[str, Any] = self.get_serializer().fields
        for name, field in fields.items():
            for rule in field.validators:
                if column and isinstance(rule, UniqueValidator):
                    model = rule.queryset.model._meta  # noqa: SLF001 - Django's documented name
                    taken = model.get_field(field.source).column
                    if (model.db_table, taken) == (violation.table_name, column[1]):
                        return ValidationError({name: [ErrorDetail(str(rule.message), code="unique")]})
        return None
