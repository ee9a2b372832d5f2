"""`posts/…`: the caller's own posts; those of others are not found."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from fastapi_app.posts import queries, service
from fastapi_app.posts.serializers import POST_FORMS, POST_SERIALIZER, Published
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.criteria import Criteria
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.pagination.pagination import Page, paginate
from strangler_fastapi.drf.parameters import IntegerParameter, integer_parameter
from strangler_fastapi.drf.views.permissions import IsAuthenticated
from strangler_fastapi.drf.views.view import Caller, View, feature_router

router = feature_router(PREFIXES, "posts")

_DESCRIPTION = "The caller's own posts; those of others are not found."
_LIMIT = IntegerParameter(default=10, least=1, most=50, description="How many posts, 1 to 50.")


def _named(request: Request, caller: Any) -> Criteria:  # noqa: ANN401 - the guard's caller
    """The caller's post that the path names, if the filters leave it."""
    pk = request.path_params["pk"]
    return queries.post_own_pk_criteria(request.query_params, user_id=caller.id, pk=pk)


async def _find(request: Request, session: RequestSession, caller: Any) -> int:  # noqa: ANN401 - as above
    """The id of that post.

    Raises:
        NotFound: the caller has no such post.
    """
    key: int = await queries.POSTS.find(session, _named(request, caller))
    return key


posts = View(
    router,
    "/posts/",
    name="Post List",
    description=_DESCRIPTION,
    methods=("GET", "POST"),
    permission=IsAuthenticated,
    serializer=POST_SERIALIZER,
)
recent = View(
    router,
    "/posts/recent/",
    name="Recent",
    description="The caller's newest posts, unpaged; filters, search and ordering don't apply.",
    methods=("GET",),
    permission=IsAuthenticated,
)
post = View(
    router,
    "/posts/{pk}/",
    name="Post Instance",
    description=_DESCRIPTION,
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=IsAuthenticated,
    serializer=POST_SERIALIZER,
    find=_find,
)
publish = View(
    router,
    "/posts/{pk}/publish/",
    name="Publish",
    description="Publish a draft; a published post stays as it is.",
    methods=("POST",),
    permission=IsAuthenticated,
    serializer=POST_SERIALIZER,
)


@posts.get(response=POST_FORMS, many=Page, query=queries.POST_QUERY)
async def posts_list(request: Request, session: Session, caller: Caller) -> Response:
    """The caller's posts, drafts included."""
    params = request.query_params
    listing, criteria = queries.post_listing(params), queries.post_own_criteria(params, user_id=caller.id)
    return JsonResponse(await paginate(request, session, listing, criteria, queries.post_terms(params)))


@posts.post(status=201)
async def posts_create(request: Request, session: Session, caller: Caller) -> Response:
    """Write a post."""
    data = await POST_SERIALIZER.read(request, session)
    post_id = await service.post_create(session=session, author_id=caller.id, **data)
    return JsonResponse(await queries.POSTS.get_written(session, queries.post_id_criteria(post_id)), status_code=201)


@recent.get(response=POST_FORMS, many=list, query={"limit": _LIMIT.description} | queries.VIEW)
async def posts_recent(request: Request, session: Session, caller: Caller) -> Response:
    """The caller's newest posts, unpaged: `limit` of them, 10 where it is left out, 50 at the most."""
    limit = integer_parameter(request.query_params, "limit", _LIMIT)
    listing, criteria = queries.post_listing(request.query_params), queries.post_by_criteria(caller.id)
    return JsonResponse(await listing.fetch(session, criteria, queries.NEWEST, limit=limit))


@post.get(response=POST_FORMS, query=queries.POST_QUERY)
async def posts_retrieve(request: Request, session: Session, caller: Caller) -> Response:
    """One of the caller's posts."""
    listing = queries.post_listing(request.query_params)
    return JsonResponse(await listing.get(session, _named(request, caller)))


@post.put()
@post.patch()
async def posts_update(request: Request, session: Session, caller: Caller) -> Response:
    """Change a post: all of it, or only what is given."""
    post_id = await _find(request, session, caller)
    data = await POST_SERIALIZER.read(request, session, instance_id=post_id)
    await service.post_update(session=session, post_id=post_id, **data)
    return JsonResponse(await queries.POSTS.get_written(session, queries.post_id_criteria(post_id)))


@post.delete()
async def posts_delete(request: Request, session: Session, caller: Caller) -> Response:
    """Remove a post."""
    await service.post_delete(session=session, post_id=await _find(request, session, caller))
    return Response(status_code=204)


@publish.post(response=Published, reads_body=False)
async def posts_publish(request: Request, session: Session, caller: Caller) -> Response:
    """Publish a draft; a published post stays as it is."""
    await service.post_publish(session=session, criteria=_named(request, caller))
    return JsonResponse({"status": "published"})
