"""`users/…`: anyone registers; signed-in callers read; the user and staff change and delete."""

from types import SimpleNamespace
from typing import Any

from fastapi import Request
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from fastapi_app.posts import queries as posts
from fastapi_app.posts.serializers import POST_FORMS
from fastapi_app.users import queries, service
from fastapi_app.users.serializers import ME_SERIALIZER, OWN_SERIALIZER, USER_SERIALIZER, UserSerializer
from shared_schema.ranks import may_change_account
from strangler_fastapi.db.query import fetch
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.filters.filtering import ORDERING
from strangler_fastapi.drf.filters.search import SEARCH
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.pagination.pagination import Page, paginate
from strangler_fastapi.drf.parameters import IntegerParameter, integer_parameter
from strangler_fastapi.drf.views.permissions import AllowAny, ByMethod, IsAuthenticated
from strangler_fastapi.drf.views.view import Caller, View, feature_router
from strangler_fastapi.errors import PermissionDenied

router = feature_router(PREFIXES, "users")

_DESCRIPTION = "Accounts: anyone registers; signed-in callers read; the user and staff change and delete."
_MIN_POSTS = IntegerParameter(default=5, least=0, most=2**31 - 1, description="The least number of posts.")


async def _find(request: Request, session: RequestSession, _caller: object) -> int:
    """The id of the user that the path names.

    Raises:
        NotFound: there is none, or the search leaves it out.
    """
    criteria = queries.user_pk_criteria(request.query_params, pk=request.path_params["pk"])
    key: int = await queries.USERS.find(session, criteria)
    return key


async def _find_to_change(request: Request, session: RequestSession, caller: Any) -> int:  # noqa: ANN401 - the guard's caller
    """As `_find`, for those who may change it.

    Raises:
        PermissionDenied: the caller is neither the user nor of a higher rank.
    """
    user_id = await _find(request, session, caller)
    if user_id == caller.id:
        return user_id
    ranks = {row["id"]: row for row in await fetch(session, queries.user_ranks(caller.id, user_id))}
    if caller.id not in ranks or user_id not in ranks:
        raise queries.USERS.not_found()
    if not may_change_account(*(SimpleNamespace(**ranks[key]) for key in (caller.id, user_id))):
        raise PermissionDenied
    return user_id


users = View(
    router,
    "/users/",
    name="User List",
    description=_DESCRIPTION,
    methods=("GET", "POST"),
    permission=ByMethod(IsAuthenticated, POST=AllowAny),
    serializer=USER_SERIALIZER,
)
active = View(
    router,
    "/users/active/",
    name="Active",
    description="The users with at least `min_posts` posts, drafts included.",
    methods=("GET",),
    permission=IsAuthenticated,
)
me = View(
    router,
    "/users/me/",
    name="Me",
    description="The caller, with the e-mail.",
    methods=("GET", "PATCH"),
    permission=IsAuthenticated,
    serializer=ME_SERIALIZER,
)
user = View(
    router,
    "/users/{pk}/",
    name="User Instance",
    description=_DESCRIPTION,
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=IsAuthenticated,
    serializer=USER_SERIALIZER,
    find=_find,
)
user_posts = View(
    router,
    "/users/{pk}/posts/",
    name="User Posts",
    description="A user's posts: the published ones, and to the user all of them.",
    methods=("GET",),
    permission=IsAuthenticated,
)


@users.get(many=Page, query=ORDERING | SEARCH)
async def users_list(request: Request, session: Session) -> Response:
    """All users, with their post counts."""
    params = request.query_params
    criteria, terms = queries.user_criteria(params), queries.user_terms(params)
    return JsonResponse(await paginate(request, session, queries.USERS, criteria, terms))


@users.post(status=201)
async def users_create(request: Request, session: Session) -> Response:
    """Register."""
    data = await USER_SERIALIZER.read(request, session)
    with USER_SERIALIZER.refuse_duplicates():
        user_id = await service.user_create(session=session, **data)
    return JsonResponse(await queries.USERS.get_written(session, queries.user_id_criteria(user_id)), status_code=201)


@active.get(response=USER_SERIALIZER, many=Page, query={"min_posts": _MIN_POSTS.description} | ORDERING | SEARCH)
async def users_active(request: Request, session: Session) -> Response:
    """The users with at least `min_posts` posts, drafts included."""
    params = request.query_params
    min_posts = integer_parameter(params, "min_posts", _MIN_POSTS)
    criteria, terms = queries.user_active_criteria(params, min_posts=min_posts), queries.user_terms(params)
    return JsonResponse(await paginate(request, session, queries.ACTIVE, criteria, terms))


@me.get()
async def users_me(session: Session, caller: Caller) -> Response:
    """The caller, with the e-mail."""
    return JsonResponse(await queries.ME.get(session, queries.user_id_criteria(caller.id)))


@me.patch()
async def users_me_update(request: Request, session: Session, caller: Caller) -> Response:
    """Change the caller's username, e-mail or password."""
    await _update(request, session, caller.id, OWN_SERIALIZER)
    return JsonResponse(await queries.ME.get_written(session, queries.user_id_criteria(caller.id)))


@user.get(query=SEARCH)
async def users_retrieve(request: Request, session: Session) -> Response:
    """One user, with the post count."""
    criteria = queries.user_pk_criteria(request.query_params, pk=request.path_params["pk"])
    return JsonResponse(await queries.USERS.get(session, criteria))


@user.put()
@user.patch()
async def users_update(request: Request, session: Session, caller: Caller) -> Response:
    """Change an account: all of it, or only what is given. For the user and for staff."""
    user_id = await _find_to_change(request, session, caller)
    await _update(request, session, user_id, OWN_SERIALIZER if user_id == caller.id else USER_SERIALIZER)
    return JsonResponse(await queries.USERS.get_written(session, queries.user_id_criteria(user_id)))


@user.delete()
async def users_delete(request: Request, session: Session, caller: Caller) -> Response:
    """Remove an account with all posts. For the user and for staff."""
    await service.user_delete(session=session, user_id=await _find_to_change(request, session, caller))
    return Response(status_code=204)


@user_posts.get(response=POST_FORMS, many=Page, query=posts.POST_QUERY)
async def users_posts(request: Request, session: Session, caller: Caller) -> Response:
    """A user's posts: the published ones, and to the user all of them."""
    author_id = await queries.USERS.find(session, queries.user_pk_criteria({}, pk=request.path_params["pk"]))
    params = request.query_params
    criteria = posts.post_of_user_criteria(params, author_id=author_id, viewer_id=caller.id)
    listing, terms = posts.post_listing(params), posts.post_terms(params)
    return JsonResponse(await paginate(request, session, listing, criteria, terms))


async def _update(request: Request, session: RequestSession, user_id: int, serializer: UserSerializer) -> None:
    data = await serializer.read(request, session, instance_id=user_id)
    with serializer.refuse_duplicates():
        await service.user_update(session=session, user_id=user_id, **data)
