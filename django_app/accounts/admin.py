"""Users in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from django_app.accounts.models import User
from shared_schema.ranks import may_change_account

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Django's page for users, with what this model adds."""

    list_display = ("username", "email", "is_staff", "is_active", "created_at")
    readonly_fields = ("created_at",)
    fieldsets = (*DjangoUserAdmin.fieldsets, ("Account", {"fields": ("created_at",)}))
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Django's, but nobody changes an account of more rights; its password page asks here too."""
        return super().has_change_permission(request, obj) and (obj is None or may_change_account(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Django's, but nobody deletes an account of more rights."""
        return super().has_delete_permission(request, obj) and (obj is None or may_change_account(request.user, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Rights are given by superusers alone: else whoever may change users may become one."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *_RIGHTS)
