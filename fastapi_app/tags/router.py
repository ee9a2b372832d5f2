"""`tags/…`: read by everybody, added by signed-in callers, renamed and deleted by staff."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from fastapi_app.auth.accounts import identify
from fastapi_app.config import PREFIXES
from fastapi_app.tags import queries, service
from fastapi_app.tags.serializers import TAG_SERIALIZER
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.filtering import ORDERING, SEARCH
from strangler_fastapi.drf.pagination import Page, paginate
from strangler_fastapi.drf.rendering import JsonResponse
from strangler_fastapi.drf.view import Caller, View, feature_router, signed_in

router = feature_router(PREFIXES, "tags")

_READS = ("GET", "HEAD")
_DESCRIPTION = "Tags: everybody reads, signed-in callers add, staff rename and delete."


def _may_list(method: str, caller: object) -> bool:
    """Everybody reads, signed-in callers add."""
    return method in _READS or signed_in(method, caller)


def _may_change(method: str, caller: Any) -> bool:  # noqa: ANN401 - the guard's caller
    """Everybody reads, staff renames and deletes."""
    if method in ("PUT", "PATCH", "DELETE"):
        return caller is not None and caller.is_staff
    return method in _READS or signed_in(method, caller)


async def _find(request: Request, session: RequestSession, _caller: object) -> int:
    """The id of the tag that the path names.

    Raises:
        NotFound: there is none, or the search leaves it out.
    """
    criteria = queries.tag_pk_criteria(request.query_params, pk=request.path_params["pk"])
    key: int = await queries.TAGS.find(session, criteria)
    return key


tags = View(
    router,
    "/tags/",
    name="Tag List",
    description=_DESCRIPTION,
    methods=("GET", "POST"),
    permission=_may_list,
    identify=identify,
    serializer=TAG_SERIALIZER,
)
tag = View(
    router,
    "/tags/{pk}/",
    name="Tag Instance",
    description=_DESCRIPTION,
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=_may_change,
    identify=identify,
    serializer=TAG_SERIALIZER,
    find=_find,
)


@tags.get(many=Page, query=ORDERING | SEARCH)
async def tags_list(request: Request, session: Session) -> Response:
    """All tags, with their post counts."""
    params = request.query_params
    criteria, terms = queries.tag_criteria(params), queries.tag_terms(params)
    return JsonResponse(await paginate(request, session, queries.TAGS, criteria, terms))


@tags.post(status=201)
async def tags_create(request: Request, session: Session) -> Response:
    """Add a tag."""
    data = await TAG_SERIALIZER.read(request, session)
    with TAG_SERIALIZER.refuse_duplicates():
        tag_id = await service.tag_create(session=session, **data)
    return JsonResponse(await queries.TAGS.get_written(session, queries.tag_id_criteria(tag_id)), status_code=201)


@tag.get(query=SEARCH)
async def tags_retrieve(request: Request, session: Session) -> Response:
    """One tag, with its post count."""
    criteria = queries.tag_pk_criteria(request.query_params, pk=request.path_params["pk"])
    return JsonResponse(await queries.TAGS.get(session, criteria))


@tag.put()
@tag.patch()
async def tags_update(request: Request, session: Session, caller: Caller) -> Response:
    """Rename a tag, on all of its posts."""
    tag_id = await _find(request, session, caller)
    data = await TAG_SERIALIZER.read(request, session, instance_id=tag_id)
    with TAG_SERIALIZER.refuse_duplicates():
        await service.tag_update(session=session, tag_id=tag_id, **data)
    return JsonResponse(await queries.TAGS.get_written(session, queries.tag_id_criteria(tag_id)))


@tag.delete()
async def tags_delete(request: Request, session: Session, caller: Caller) -> Response:
    """Remove a tag from all posts and for good."""
    await service.tag_delete(session=session, tag_id=await _find(request, session, caller))
    return Response(status_code=204)
