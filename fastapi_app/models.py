"""The example's tables, as far as FastAPI needs them. For your own project, this is the file to replace."""

from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Mapped, relationship

from shared_schema.mapping import Mapping, Reflected

BLOG = Mapping(contract=Path(__file__).with_name("contract.json"))


class Blog(Reflected):
    """A table of the example."""

    __mapping__ = BLOG


class User(Blog):
    """A person who signs in."""

    __tablename__ = "users"

    id: Mapped[int]
    username: Mapped[str]
    email: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    is_staff: Mapped[bool]
    is_superuser: Mapped[bool]
    last_login: Mapped[datetime | None]
    created_at: Mapped[datetime]
    posts: Mapped[list["Post"]] = relationship("Post", back_populates="author", lazy="raise")


class Post(Blog):
    """A text of one author."""

    __tablename__ = "posts"

    id: Mapped[int]
    title: Mapped[str]
    content: Mapped[str]
    published: Mapped[bool]
    created_at: Mapped[datetime]
    author_id: Mapped[int]
    author: Mapped["User"] = relationship("User", back_populates="posts", lazy="raise")
    tags: Mapped[list["Tag"]] = relationship("Tag", secondary="blog_post_tags", back_populates="posts", lazy="raise")


class Tag(Blog):
    """A word that posts share."""

    __tablename__ = "tags"

    id: Mapped[int]
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship("Post", secondary="blog_post_tags", back_populates="tags", lazy="raise")


class PostTag(Blog):
    """A tag on a post: the row of Django's many-to-many table."""

    __tablename__ = "blog_post_tags"

    id: Mapped[int]
    post_id: Mapped[int]
    tag_id: Mapped[int]


class PostEvent(Blog):
    """That a post was written; the database's triggers add the rows."""

    __tablename__ = "post_events"

    id: Mapped[int]
    kind: Mapped[str]
    post_id: Mapped[int]
    author_id: Mapped[int]
    was_author_id: Mapped[int]
    published: Mapped[bool]
    was_published: Mapped[bool]
    transaction_id: Mapped[int]
    created_at: Mapped[datetime]


class OutstandingToken(Blog):
    """A refresh token that was issued (simplejwt's token_blacklist app)."""

    __tablename__ = "token_blacklist_outstandingtoken"

    id: Mapped[int]
    user_id: Mapped[int | None]
    jti: Mapped[str]
    token: Mapped[str]
    created_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class SignInAttempts(Blog):
    """Attempts to sign in by one name (`strangler_django.sign_in`)."""

    __tablename__ = "strangler_sign_in_attempts"

    digest: Mapped[str]
    count: Mapped[int]
    since: Mapped[datetime]


class BlacklistedToken(Blog):
    """A refresh token that is no longer accepted."""

    __tablename__ = "token_blacklist_blacklistedtoken"

    id: Mapped[int]
    token_id: Mapped[int]
    blacklisted_at: Mapped[datetime]


class Group(Blog):
    """A group of users, for its permissions."""

    __tablename__ = "auth_group"

    id: Mapped[int]
    name: Mapped[str]


class Permission(Blog):
    """What users and groups may do in the admin."""

    __tablename__ = "auth_permission"

    id: Mapped[int]
    name: Mapped[str]
    codename: Mapped[str]
    content_type_id: Mapped[int]


class ContentType(Blog):
    """A model of Django's, by its app."""

    __tablename__ = "django_content_type"

    id: Mapped[int]
    app_label: Mapped[str]
    model: Mapped[str]


class GroupPermission(Blog):
    """A permission of a group."""

    __tablename__ = "auth_group_permissions"

    id: Mapped[int]
    group_id: Mapped[int]
    permission_id: Mapped[int]


class UserGroup(Blog):
    """A user in a group."""

    __tablename__ = "users_groups"

    id: Mapped[int]
    user_id: Mapped[int]
    group_id: Mapped[int]


class UserPermission(Blog):
    """A permission of a user's own."""

    __tablename__ = "users_user_permissions"

    id: Mapped[int]
    user_id: Mapped[int]
    permission_id: Mapped[int]


class LogEntry(Blog):
    """What was done in the admin, Django's or FastAPI's."""

    __tablename__ = "django_admin_log"

    id: Mapped[int]
    action_time: Mapped[datetime]
    user_id: Mapped[int]
    content_type_id: Mapped[int | None]
    object_id: Mapped[str | None]
    object_repr: Mapped[str]
    action_flag: Mapped[int]
    change_message: Mapped[str]
