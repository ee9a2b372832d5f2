"""DRF permissions that both stacks share."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from shared_schema.ranks import may_change_account


class MayChangeAccount(BasePermission):
    """For views of users: each user may change itself, staff other users that aren't staff, superusers all."""

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:  # noqa: ANN401, ARG002 - DRF passes it
        """Whether the caller may change `obj`, a user."""
        return may_change_account(request.user, obj)
