"""Users in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from django_app.accounts.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Django's page for users, with what this model adds."""

    list_display = ("username", "email", "is_staff", "is_active", "created_at")
    readonly_fields = ("created_at",)
    fieldsets = (*DjangoUserAdmin.fieldsets, ("Account", {"fields": ("created_at",)}))
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )
