"""Who may do what with users."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from django_app.accounts.models import User


class IsSelfOrStaff(BasePermission):
    """A user may be changed by that user and by staff."""

    def has_object_permission(self, request: Request, view: APIView, obj: User) -> bool:  # noqa: ARG002 - DRF passes it
        """Whether the caller may change `obj`."""
        return bool(request.user.is_staff or obj.pk == request.user.pk)
