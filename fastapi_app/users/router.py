"""`users/…`: read by signed-in callers."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from fastapi_app.auth.identity import identify
from fastapi_app.database import Session
from fastapi_app.drf.errors import NotFound
from fastapi_app.drf.fields import IntegerParameter, integer_parameter
from fastapi_app.drf.pagination import Page, paginate
from fastapi_app.drf.rendering import JsonResponse
from fastapi_app.drf.view import Caller, View, signed_in
from fastapi_app.posts import queries as posts
from fastapi_app.posts.schemas import PostMinimal, PostRead
from fastapi_app.reads import fetch_one
from fastapi_app.users import queries
from fastapi_app.users.schemas import MeRead, UserRead

router = APIRouter(tags=["users"])

_MIN_POSTS = IntegerParameter(default=5, least=0, most=2**31 - 1)


def _may_list(method: str, caller: object) -> bool:
    """Anyone registers, signed-in callers read."""
    return method == "POST" or signed_in(method, caller)


user_list_view = View(
    router,
    "/users/",
    name="User List",
    description="Accounts: anyone registers; signed-in callers read; the user and staff change and delete.",
    methods=("GET", "POST"),
    permission=_may_list,
    identify=identify,
)
active = View(
    router,
    "/users/active/",
    name="Active",
    description="The users with at least `min_posts` posts, drafts included.",
    methods=("GET",),
    permission=signed_in,
    identify=identify,
)
me = View(
    router,
    "/users/me/",
    name="Me",
    description="The caller, with the e-mail.",
    methods=("GET", "PATCH"),
    permission=signed_in,
    identify=identify,
)
user = View(
    router,
    "/users/{pk}/",
    name="User Instance",
    description="Accounts: anyone registers; signed-in callers read; the user and staff change and delete.",
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=signed_in,
    identify=identify,
)
user_posts = View(
    router,
    "/users/{pk}/posts/",
    name="User Posts",
    description="A user's posts: the published ones, and to the user all of them.",
    methods=("GET",),
    permission=signed_in,
    identify=identify,
)


@user_list_view.get(response=Page[UserRead])
async def user_list(request: Request, session: Session) -> Response:
    """All users, with their post counts."""
    rows = queries.user_list(request.query_params)
    return JsonResponse(await paginate(request, session, queries.user_shape(), rows))


@active.get(response=Page[UserRead])
async def user_list_active(request: Request, session: Session) -> Response:
    """The users with at least `min_posts` posts, drafts included."""
    min_posts = integer_parameter(request.query_params, "min_posts", _MIN_POSTS)
    rows = queries.user_list_active(request.query_params, min_posts=min_posts)
    return JsonResponse(await paginate(request, session, queries.user_shape(), rows))


@me.get(response=MeRead)
async def user_me(session: Session, caller: Caller) -> Response:
    """The caller, with the e-mail."""
    return JsonResponse(await fetch_one(session, queries.me_shape(), queries.me_get(user_id=caller.id)))


@user.get(response=UserRead)
async def user_get(request: Request, session: Session, pk: str) -> Response:
    """One user, with the post count."""
    found = await fetch_one(session, queries.user_shape(), queries.user_get(request.query_params, pk=pk))
    if found is None:
        raise NotFound("No User matches the given query.")
    return JsonResponse(found)


@user_posts.get(response=Page[PostRead] | Page[PostMinimal])
async def post_list_of_user(request: Request, session: Session, caller: Caller, pk: str) -> Response:
    """A user's posts: the published ones, and to the user all of them."""
    author_id = (await session.execute(queries.user_exists(pk=pk))).scalar_one_or_none()
    if author_id is None:
        raise NotFound("No User matches the given query.")
    shape = posts.post_shape_for(request.query_params)
    rows = posts.post_list_of_user(request.query_params, author_id=author_id, viewer_id=caller.id)
    return JsonResponse(await paginate(request, session, shape, rows))
