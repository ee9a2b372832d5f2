"""What the admin shows: users, groups, posts and tags, as `django_app`'s `admin.py` has them."""

from dataclasses import replace
from typing import Any

from fastapi_app.auth.accounts import TOKEN_TABLES
from fastapi_app.models import (
    ContentType,
    Group,
    GroupPermission,
    LogEntry,
    Permission,
    Post,
    Tag,
    User,
    UserGroup,
    UserPermission,
)
from fastapi_app.tags.serializers import TAG_SERIALIZER, post_count
from fastapi_app.users.serializers import USER_SERIALIZER, UserSerializer
from shared_schema.ranks import may_change_account
from strangler_fastapi.admin.history import AdminHistory
from strangler_fastapi.admin.models import AdminModel
from strangler_fastapi.admin.site import Admin
from strangler_fastapi.admin.staff import StaffTables
from strangler_fastapi.auth.hashing import hash_off_loop
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.model_fields import many_related_field, model_field
from strangler_fastapi.drf.links import related_column
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.model_permissions import PermissionTables


async def _password_hashed(session: RequestSession, values: dict[str, Any]) -> dict[str, Any]:
    if "password" not in values:
        return values
    # A hash takes a tenth of a second: the connection goes back to the pool meanwhile. Nothing was written yet.
    await session.release()
    return values | {"password": await hash_off_loop(values["password"])}


_PASSWORD = USER_SERIALIZER.fields["password"]
_USER = UserSerializer(
    "AdminUser",
    {
        "username": USER_SERIALIZER.fields["username"],
        "email": replace(USER_SERIALIZER.fields["email"], write_only=False),
        "password": replace(_PASSWORD, required=False, help_text="Left empty, it stays as it is."),
        "is_active": model_field(User, "is_active"),
        "is_staff": model_field(User, "is_staff"),
        "is_superuser": model_field(User, "is_superuser"),
        "groups": many_related_field(User, "groups", required=False),
        "user_permissions": many_related_field(User, "user_permissions", required=False),
        "last_login": model_field(User, "last_login", read_only=True),
        "created_at": model_field(User, "created_at"),
    },
)
_USERS = AdminModel(
    resource=Resource(
        User,
        _USER,
        ordering=("username",),
        ordering_fields=("username", "email", "is_staff", "is_active", "created_at"),
        search_fields=("username", "email"),
    ),
    text=lambda user: user.username,
    list_display=("username", "email", "is_staff", "is_active", "created_at"),
    list_filter=("is_staff", "is_superuser", "is_active", "created_at"),
    add=UserSerializer("NewAdminUser", {**_USER.fields, "password": _PASSWORD}),
    prepare=_password_hashed,
    may_change=may_change_account,
    superuser_fields=("is_staff", "is_superuser", "groups", "user_permissions"),
    icon="fa fa-users",
)
_GROUPS = AdminModel(
    resource=Resource(
        Group,
        Serializer(
            "AdminGroup",
            {
                "name": model_field(Group, "name"),
                "permissions": many_related_field(Group, "permissions", required=False),
            },
        ),
        ordering=("name",),
        ordering_fields=("name",),
        search_fields=("name",),
    ),
    text=lambda group: group.name,
    list_display=("name",),
    icon="fa fa-user-group",
)
_PERMISSIONS = AdminModel(
    resource=Resource(
        Permission,
        Serializer(
            "AdminPermission",
            {
                "name": model_field(Permission, "name", read_only=True),
                "codename": model_field(Permission, "codename", read_only=True),
            },
        ),
        ordering=("codename",),
        ordering_fields=("name", "codename"),
        search_fields=("name", "codename"),
    ),
    text=lambda permission: permission.name,
    list_display=("name", "codename"),
    is_writable=False,
    icon="fa fa-key",
)
_POSTS = AdminModel(
    resource=Resource(
        Post,
        Serializer(
            "AdminPost",
            {
                "title": model_field(Post, "title"),
                "content": model_field(Post, "content"),
                "author": model_field(Post, "author_id"),
                "tags": many_related_field(Post, "tags", required=False),
                "published": model_field(Post, "published"),
                "created_at": model_field(Post, "created_at"),
            },
        ),
        annotations={"author__username": lambda: related_column(Post, "author__username")},
        ordering=("-created_at",),
        ordering_fields=("title", "published", "created_at"),
        search_fields=("title", "author__username"),
    ),
    text=lambda post: post.title,
    list_display=("title", "author", "published", "created_at"),
    list_filter=("published", "created_at"),
    icon="fa fa-file-lines",
)
_TAGS = AdminModel(
    resource=Resource(
        Tag,
        TAG_SERIALIZER.without(["id"]),
        annotations={"post_count": post_count},
        ordering=("name",),
        ordering_fields=("name", "post_count"),
        search_fields=("name",),
    ),
    text=lambda tag: tag.name,
    list_display=("name", "post_count"),
    icon="fa fa-tags",
)

ADMIN = Admin(
    title="Blog",
    models=(_USERS, _GROUPS, _PERMISSIONS, _POSTS, _TAGS),
    staff=StaffTables(
        users=TOKEN_TABLES,
        permissions=PermissionTables(
            permission=Permission,
            content_type=ContentType,
            group_permission=GroupPermission,
            user_group=UserGroup,
            user_permission=UserPermission,
        ),
    ),
    history=AdminHistory(entry=LogEntry, content_type=ContentType),
)
