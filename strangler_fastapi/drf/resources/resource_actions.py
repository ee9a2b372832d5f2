"""What the actions of a `Resource` do and answer: those of DRF's mixins, and those that mark or link a row."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.caller_rows import CALLER
from strangler_fastapi.drf.filters.filtering import ordering_terms
from strangler_fastapi.drf.filters.order_filters import filtered_terms
from strangler_fastapi.drf.http.own_handler import NOW, TOGGLED, Added, Answer, Handler, refused_counts
from strangler_fastapi.drf.http.rendering import JsonResponse, header_text
from strangler_fastapi.drf.pagination.pagination import paginate
from strangler_fastapi.drf.parents import Parent
from strangler_fastapi.drf.resources.caller_links import CallerLink, Linking
from strangler_fastapi.drf.resources.resource_rows import saved_caller
from strangler_fastapi.drf.resources.resource_statements import ResourceStatements

_DRFS: Final = Handler()


class ResourceActions(ResourceStatements):
    """Those of a `Resource`, which says what its arguments mean."""

    _ordered_by: Mapping[str, tuple[str, ...]]
    _ordering_fields: tuple[str, ...]
    _ordering_param: str
    _unported_orderings: Mapping[str, str]

    async def list(self, request: Request, session: RequestSession, handler: Handler = _DRFS) -> Response:
        """A page of the rows, or all of them where there are no pages.

        Raises:
            NotFound: a parent isn't there.
            ApiError: a parameter is wrong, or there is no such page.
        """
        params = request.query_params
        terms = ordering_terms(
            params,
            self._ordering_fields,
            filtered_terms(params, self._filters) or self.ordering,
            parameter=self._ordering_param,
            ordered_by=self._ordered_by,
            unported=self._unported_orderings,
        )
        criteria = await self._criteria(request, session)
        if self._pagination is None:
            return handler.response(await self.listing.fetch(session, criteria, terms))
        return handler.response(await paginate(request, session, self.listing, criteria, terms, self._pagination))

    async def retrieve(self, request: Request, session: RequestSession, handler: Handler = _DRFS) -> Response:
        """The row that the path names.

        Raises:
            NotFound: there is none, or the filters leave it out.
        """
        with handler.errors():
            criteria = await self._named(request, session)
            await self._check(request, session, criteria)
            return handler.response(await self.listing.get(session, criteria))

    async def show(self, session: RequestSession, key: object) -> dict[str, Any]:
        """The row with this key as answers show it, whoever asks.

        Raises:
            Http404: there is none.
        """
        return await self.listing.get(session, (self._lookup(str(key)),))

    async def create(self, request: Request, session: RequestSession, handler: Handler = _DRFS) -> Response:
        """A new row.

        Raises:
            ApiError: the body is refused, or a parent isn't there.
        """
        of_parents = await self._parents_of(request, session, precedes_body=True)
        with handler.errors():
            cleaned = await self.serializer.read(request, session)
        values = (
            cleaned
            | of_parents
            | await self._created_by(request, session)
            | await self._given("create", request, session)
        )
        if self._perform_create is not None:
            key = await self._perform_create(self, session, values)
        else:
            key = await self.add(session, values)
        made = await self.listing.get_written(session, (*self._by_key(key), *self._shown_to(request)))
        if handler.answer is not None:
            return handler.response(made)
        # As `CreateModelMixin.get_success_headers` has it, whatever the key stands for.
        headers = {"Location": header_text(str(made["url"]))} if "url" in made else None
        return JsonResponse(made, status_code=201, headers=headers)

    async def update(self, request: Request, session: RequestSession, handler: Handler = _DRFS) -> Response:
        """The row that the path names, changed: all of it, or where the body is `partial`, as by PATCH, what is sent.

        Raises:
            ApiError: there is none, or the body is refused.
        """
        with handler.errors():
            key = await self.find(request, session)
            cleaned = await self.serializer.read(request, session, instance_id=key, partial=handler.partial)
        values = cleaned | await self._given("update", request, session)
        if self._perform_update is not None:
            await self._perform_update(self, session, key, values)
        else:
            await self.save(session, key, values)
        written = (*self._by_key(key), *self._shown_to(request))
        return handler.response(await self.listing.get_written(session, written))

    async def destroy(self, request: Request, session: RequestSession, handler: Handler = _DRFS) -> Response:
        """Nothing: the row that the path names is gone, with what Django deletes along with it.

        Raises:
            NotFound: there is none.
        """
        with handler.errors():
            key = await self.find(request, session)
        if self._perform_destroy is not None:
            await self._perform_destroy(self, session, key)
        else:
            await self.remove(session, [key])
        return Response(status_code=204) if handler.answer is None else handler.response()

    async def assign(
        self, request: Request, session: RequestSession, values: Mapping[str, Any], handler: Handler = _DRFS
    ) -> Response:
        """The row that the path names, whose attributes have these values now: constants, NOW, or the CALLER's key.

        What is TOGGLED or Added is so by the database: of two requests at a time neither is lost. No body is read.

        Raises:
            NotFound: there is none.
            ValidationFailed: what is Added is beyond what the column holds.
        """
        with handler.errors():
            key = await self.find(request, session)
        now = datetime.now(UTC)
        made = {name: self._assigned(name, value, request, now) for name, value in values.items()}
        with refused_counts({name for name, value in values.items() if isinstance(value, Added)}):
            await self.save(session, key, made)
        if handler.answer is not None and not handler.answer.shows_data:
            return handler.response()
        written = (*self._by_key(key), *self._shown_to(request))
        return handler.response(await self.listing.get_written(session, written))

    async def _given(
        self, action: Literal["create", "update"], request: Request, session: RequestSession
    ) -> dict[str, Any]:
        """What a row gets besides what a body says, and what only new rows do.

        Raises:
            NotFound: a parent isn't there.
        """
        caller, now = getattr(request.state.caller, "id", None), datetime.now(UTC)
        return {
            name: await value.find(session, request.path_params, caller)
            if isinstance(value, Parent)
            else self._assigned(name, value, request, now)
            for name, value in self.given.get(action, {}).items()
        }

    def _assigned(self, name: str, value: Any, request: Request, now: datetime) -> Any:  # noqa: ANN401 - of the attribute's type
        if value is NOW:
            return now
        if value is TOGGLED:
            return getattr(self.model, name).is_not(True)
        if isinstance(value, Added):
            return getattr(self.model, name) + value.number
        return saved_caller(request) if value is CALLER else value

    async def link(
        self,
        request: Request,
        session: RequestSession,
        link: CallerLink,
        *,
        absent: Linking,
        present: Linking,
        own: Answer | None = None,
        handler: Handler = _DRFS,
    ) -> Response:
        """Links the row that the path names to the caller, or does away with that, as it is `absent` or `present`.

        `own` is the answer where that row is the caller itself. No body is read. Of two requests at a time the second
        finds what the first has written; where nobody looks for that first, the database's constraint decides.

        Raises:
            NotFound: there is none.
        """
        with handler.errors():
            key = await self.find(request, session)
        caller = saved_caller(request)
        if own is not None and key == caller:
            return await self._linked(request, session, key, own)
        is_added = absent == present and absent.writes == "add"
        linked = [] if is_added else await link.keys(session, key, caller)
        done = present if linked else absent
        if done.writes == "add":
            if not await link.add(session, key, caller, once=not is_added) and present.writes != "remove":
                done = present
        elif done.writes == "remove":
            await link.remove(session, linked)
        if done.answer is None:
            raise link.not_found()
        return await self._linked(request, session, key, done.answer)

    async def _linked(self, request: Request, session: RequestSession, key: object, answer: Answer) -> Response:
        if not answer.shows_data:
            return answer.response()
        return answer.response(await self.listing.get_written(session, (*self._by_key(key), *self._shown_to(request))))

    async def find(self, request: Request, session: RequestSession, _caller: object = None) -> Any:  # noqa: ANN401 - of the key's type
        """The key of the row that the path names, for `View`.

        Raises:
            NotFound: there is none, or the filters leave it out.
            ApiError: the caller may not touch it.
        """
        criteria = await self._named(request, session)
        await self._check(request, session, criteria)
        return await self.listing.find(session, criteria)
