"""Readiness: the database answers and every migration is applied."""

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from psycopg_pool import PoolTimeout
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

HEALTHY = {"status": "ok", "database": "ok"}


class ServiceUnreadyError(Exception):
    """The service can't work yet; the text is one sentence for the operator."""


class MigrationState:
    """Remembers that all migrations are applied: no code of this process can need another afterwards."""

    complete = False

    @classmethod
    def check(cls) -> None:
        """:raises ServiceUnreadyError: when a migration is unapplied."""
        if cls.complete:
            return
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            msg = f"Unapplied migrations: {len(plan)}; run `python django_app/manage.py migrate`."
            raise ServiceUnreadyError(msg)
        cls.complete = True


def readiness_check() -> None:
    """:raises ServiceUnreadyError: when a request to the database would fail."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        MigrationState.check()
    except (DatabaseError, PoolTimeout) as error:
        raise ServiceUnreadyError("The database does not answer: check that it runs and DATABASE_URL.") from error


# Without ATOMIC_REQUESTS: opening the transaction would fail, as a 500, before the view could say why.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class HealthView(APIView):
    """Whether requests can be answered."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="health_retrieve",
        tags=["health"],
        responses={
            200: inline_serializer("Health", {"status": serializers.CharField(), "database": serializers.CharField()}),
            503: inline_serializer("HealthFailure", {"detail": serializers.CharField()}),
        },
        examples=[OpenApiExample("ready", value=HEALTHY, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF passes it
        """200 when the database answers and is migrated, else 503 with a sentence."""
        try:
            readiness_check()
        except ServiceUnreadyError as error:
            return Response({"detail": str(error)}, status=status.HTTP_503_SERVICE_UNAVAILABLE)
        return Response(HEALTHY)
