"""django-bolt over the example's own models: its server in Rust verifies tokens too, and msgspec writes the JSON.

What it leaves out: pages, filters, orders, other methods, errors in DRF's words and Django's middleware.
"""

from typing import Any

from django.conf import settings
from django_bolt import BoltAPI, JWTAuthentication, Request, Requires
from django_bolt.exceptions import NotFound, Unauthorized

from django_app.accounts.models import User
from shared_schema.tokens import revoke_claim_value
from tests.bench.peers import shared
from tests.bench.peers.django_posts import item, own_posts

_AUTH: Any = {
    "auth": [JWTAuthentication(secret=settings.BOLT_JWT_SECRET)],
    "guards": [Requires("token_type", "access")],
}

api = BoltAPI(openapi_config=None, trailing_slash="keep")


# It runs a handler in a thread where it sees the ORM in it, so accounts are looked for here.
@api.get(f"{shared.PREFIX}/posts/", **_AUTH)
def posts_list(request: Request) -> dict[str, Any]:
    """The caller's newest posts."""
    user = _checked(User.objects.filter(id=_user_id(request), is_active=True).first(), request)
    count = user.posts.count()
    rows = own_posts(user).order_by("-created_at", "-id")[: shared.PAGE_SIZE]
    return shared.page(request.headers["host"], count, [item(row, count) for row in rows])


@api.get(f"{shared.PREFIX}/posts/{{pk}}/", **_AUTH)
def posts_retrieve(request: Request, pk: int) -> dict[str, Any]:
    """One of the caller's posts."""
    user = _checked(User.objects.filter(id=_user_id(request), is_active=True).first(), request)
    if (row := own_posts(user).filter(pk=pk).first()) is None:
        raise NotFound
    return item(row, user.posts.count())


def _user_id(request: Request) -> int:
    return int(request.context["auth_claims"]["user_id"])


def _checked(user: User | None, request: Request) -> User:
    if user is None or request.context["auth_claims"]["hash_password"] != revoke_claim_value(user.password):
        raise Unauthorized
    return user
