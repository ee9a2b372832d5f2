"""django-ninja over the example's own models, objects of the ORM in its schemas as its pages have them.

The renderer is Pydantic's serialiser, as its documentation has one of orjson: its own writes spaces and milliseconds.
What it leaves out: pages, filters, orders, other methods and errors in DRF's words.
"""

from datetime import datetime
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import path
from pydantic_core import to_json

django.setup()
settings.ROOT_URLCONF = __name__

from ninja import NinjaAPI, Schema  # noqa: E402 - it wants Django's settings
from ninja.renderers import BaseRenderer  # noqa: E402
from ninja.security import HttpBearer  # noqa: E402

from django_app.accounts.models import User  # noqa: E402
from django_app.blog.models import Post  # noqa: E402
from shared_schema.tokens import revoke_claim_value  # noqa: E402
from tests.bench.peers import shared  # noqa: E402


class Author(Schema):
    """A post's author."""

    id: int
    username: str
    display_name: str
    created_at: datetime
    post_count: int


class Item(Schema):
    """A post."""

    id: int
    title: str
    content: str
    author: Author
    tags: list[str]
    published: bool
    created_at: datetime


class Page(Schema):
    """The first page of a list."""

    count: int
    next: str | None
    previous: str | None
    results: list[Item]


class Bearer(HttpBearer):
    """The account of an access token."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:  # noqa: ARG002 - ninja's own
        """See HttpBearer."""
        try:
            payload = shared.claims(token)
        except shared.Refused:
            return None
        user = User.objects.filter(id=int(payload["user_id"]), is_active=True).first()
        is_current = user is not None and payload["hash_password"] == revoke_claim_value(user.password)
        return user if is_current else None


class PydanticRenderer(BaseRenderer):
    """JSON of Pydantic's serialiser."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002 - ninja's own
        """See BaseRenderer."""
        return to_json(data)


api = NinjaAPI(auth=Bearer(), renderer=PydanticRenderer(), docs_url=None, openapi_url=None)


@api.get("/posts/", response=Page)
def posts_list(request: HttpRequest) -> dict[str, Any]:
    """The caller's newest posts."""
    found = _posts(request.auth).order_by("-created_at", "-id")[: shared.PAGE_SIZE]
    count = request.auth.posts.count()
    return shared.page(request.get_host(), count, [_item(post, count) for post in found])


@api.get("/posts/{pk}/", response=Item)
def posts_retrieve(request: HttpRequest, pk: int) -> dict[str, Any]:
    """One of the caller's posts."""
    return _item(get_object_or_404(_posts(request.auth), id=pk), request.auth.posts.count())


def _posts(user: User) -> QuerySet[Post]:
    return Post.objects.filter(author=user).select_related("author").prefetch_related("tags")


def _item(post: Post, count: int) -> dict[str, Any]:
    author = {name: getattr(post.author, name) for name in ("id", "username", "display_name", "created_at")}
    own = {name: getattr(post, name) for name in ("id", "title", "content", "published", "created_at")}
    return {**own, "author": {**author, "post_count": count}, "tags": [tag.name for tag in post.tags.all()]}


urlpatterns = [path(f"{shared.PREFIX.strip('/')}/", api.urls)]
application = get_wsgi_application()
