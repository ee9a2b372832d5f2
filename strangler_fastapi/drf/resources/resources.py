"""A table as a resource: what its endpoints answer, and every statement that they send."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import primary_key
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.caller_rows import CALLER
from strangler_fastapi.drf.filters.filtering import ORDERING, Filter, describe_filters, ordering_terms
from strangler_fastapi.drf.filters.order_filters import filtered_terms, orders_of
from strangler_fastapi.drf.filters.search import SEARCH
from strangler_fastapi.drf.http.own_handler import NOW, TOGGLED, Added, Answer, Handler, refused_counts
from strangler_fastapi.drf.http.rendering import JsonResponse, header_text
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.pagination.pagination import PAGE_NUMBERS, Pagination, paginate
from strangler_fastapi.drf.parents import Parent, object_name
from strangler_fastapi.drf.resources.caller_links import CallerLink, Linking
from strangler_fastapi.drf.resources.resource_statements import ResourceStatements
from strangler_fastapi.drf.resources.row_writer import Given, Performed
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.effects import Effect, TableEffects, effect_register

# Given the resource, the session and what was cleaned, writes a new row and returns its key.
PerformCreate = Callable[["Resource", RequestSession, dict[str, Any]], Awaitable[Any]]
# Given the resource, the session, the row's key and what was cleaned, changes it.
PerformUpdate = Callable[["Resource", RequestSession, Any, dict[str, Any]], Awaitable[None]]
# Given the resource, the session and the row's key, deletes it, or does what stands for that.
PerformDestroy = Callable[["Resource", RequestSession, Any], Awaitable[None]]
_DRFS: Final = Handler()
ACTIONS: Final = ("list", "retrieve", "create", "update", "destroy")


class Resource(ResourceStatements):
    """The rows of one table, read and written as their serializer says; actions bear the names of `ModelViewSet`'s.

    Each field of `serializer` stands for an attribute of `model`, for rows that hang on it (`NestedField`,
    `ManyRelatedField`), or for one of `annotations`: what a queryset of Django's `annotate` gets, such as a count of
    other rows, as an SQL expression about the row of `model`; orders and searches may name one too. `ordering`,
    `ordering_fields`, `search_fields`, `filters`, `lookup_field` and `lookup_url_kwarg` are what a view of DRF has
    under those names, `ordering_param`, `search_param` and `search_unaccented` (`UnaccentedSearchFilter`) what its
    filter backends have; `id` in an ordering is the table's key, whatever it is called, as is `pk`, and `ordered_by`
    are the terms that one of a foreign key stands for: the order of the rows behind it. `pagination` is None where a
    list comes whole; `actions` are those that endpoints use. `name` is what its statements are called by where a
    feature has several resources.

    `creator` is the attribute in which a new row gets the key of the caller, as `serializer.save(owner=request.user)`
    does in `perform_create`; the view's permission has to refuse anonymous callers. With `owner` a caller finds no rows
    but those that have its key in that attribute, and an anonymous one none, as of a `get_queryset` that filters by
    `request.user`; callers whose attribute `owner_except` is true find all. `within` are attributes by the parameter of
    the path that they are equal to, as of a `get_queryset` that filters by `self.kwargs`. `where` gives conditions that
    all rows meet, as the constant filters of a queryset do. `parents` are rows of other tables that have to be there
    (`strangler_fastapi.drf.parents`). A resource that narrows its rows in another way has a Listing and statements of
    its own.

    `answers` is the serializer that answers show, where `serializer` reads bodies alone.

    With `of_caller` there is one row, that of the caller itself, as of a `get_object` that returns `request.user`; an
    attribute there names the row that has the caller's key in it (`Profile.objects.get(user=request.user)`).

    `perform_create` writes a new row, and returns its key, `perform_update` changes one, where a body says more than
    what `add` and `save` of the resource write: of rows of other tables (`NestedField`), as DRF's `create` and `update`
    of a serializer do. Either gets the resource, the session and what the serializer has cleaned. `perform_destroy`
    does what a view's does before or after `resource.remove(session, [key])`, or what stands for a row's end:
    `resource.save(session, key, {…})` with `destroys=False`, where rows are only marked as gone and none is deleted.
    `performed` are the attributes that these functions give a row by themselves, by the action (create, update,
    destroy), or that endpoints do by `assign`: FastAPI's role may write them then. `given` are the values that
    attributes get besides what a body says, by the action (create, update), as of
    `serializer.save(edited_by=request.user)`: constants, NOW, the CALLER's key, or that of a `Parent`, which is looked
    for once the body is validated.

    `caller_links` are those that `link` adds and removes.

    `effects` stand for what Django calls when it writes such a row (`strangler_fastapi.effects`).

    Its actions take the `handler` of a view that doesn't answer as DRF's do (`strangler_fastapi.drf.http.own_handler`).

    `model_name` is what answers call a row that isn't there: Django's model, where that is a proxy of the class's own.

    `checked` are attributes that the permissions of the view look at in `has_object_permission`: the row that a path
    names is shown to them with these.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - a mapped class, whose attributes are columns once the service runs
        serializer: Serializer,
        *,
        answers: Serializer | None = None,
        annotations: Mapping[str, Callable[[], Any]] | None = None,
        ordering: tuple[str, ...] = ("id",),
        ordering_fields: tuple[str, ...] = ("id",),
        ordering_param: str = "ordering",
        ordered_by: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        unported_orderings: Mapping[str, str] = MappingProxyType({}),
        search_fields: tuple[str, ...] = (),
        search_param: str = "search",
        search_unaccented: bool = False,
        filters: Mapping[str, Filter] | None = None,
        pagination: Pagination | None = PAGE_NUMBERS,
        lookup_field: str = "pk",
        lookup_url_kwarg: str | None = None,
        creator: str | None = None,
        owner: str | None = None,
        owner_except: str | None = None,
        within: Mapping[str, str] = MappingProxyType({}),
        where: Callable[[], Sequence[Any]] | None = None,
        parents: tuple[Parent, ...] = (),
        of_caller: bool | str = False,
        checked: tuple[str, ...] = (),
        perform_create: PerformCreate | None = None,
        perform_update: PerformUpdate | None = None,
        perform_destroy: PerformDestroy | None = None,
        destroys: bool = True,
        performed: Performed = MappingProxyType({}),
        given: Given = MappingProxyType({}),
        effects: tuple[Effect, ...] = (),
        caller_links: tuple[CallerLink, ...] = (),
        actions: Collection[str] = ACTIONS,
        name: str | None = None,
        model_name: str | None = None,
    ) -> None:
        self._name = name
        self.model = model
        self.serializer = serializer
        self._answers = answers or serializer
        self._annotations = annotations or {}
        self.ordering = ordering
        self._ordering_fields = ordering_fields
        self._ordering_param = ordering_param
        self._ordered_by = ordered_by
        self._unported_orderings = unported_orderings
        self._search_fields = search_fields
        self._search_param = search_param
        self._search_unaccented = search_unaccented
        self._filters = filters or {}
        self._pagination = pagination
        self._lookup_field = lookup_field
        self.creator = creator
        self._owner = owner
        self._owner_except = owner_except
        self._within = within
        self._where = where
        self._parents_of_rows = tuple(each for each in parents if each.before != "new")
        self.parents_of_new = tuple(each for each in parents if each.before != "rows")
        self._of_caller = of_caller
        self._checked = checked
        self._perform_create = perform_create
        self._perform_update = perform_update
        self._perform_destroy = perform_destroy
        self._destroys = destroys
        self.given = given
        self.performed = {**performed}
        for action, values in given.items():
            self.performed[action] = (*performed.get(action, ()), *values)
        lacking = [
            f"perform_{action}"
            for action, given in (("create", perform_create), ("update", perform_update))
            if action in actions and given is None
        ]
        if self._nested and lacking:
            raise LookupError(
                f"{serializer.name} takes {', '.join(sorted(self._nested))} in a body: give Resource"
                f" {' and '.join(lacking)} to write them, or make the fields read-only."
            )
        if perform_destroy is None and not destroys:
            raise LookupError(
                "destroys=False says that rows are only marked as gone: give Resource perform_destroy to mark them."
            )
        links = [field.link.through.__table_key__ for field in self._links.values()]
        self.effects = TableEffects(model.__mapping__.contract, model.__table_key__, effects, links=links)
        self.effects.check()
        for effect in effects:
            effect_register(effect)
        self._caller_links = caller_links
        self._actions = actions
        self._lookup_url_kwarg = lookup_url_kwarg or lookup_field
        behind = {term for terms in ordered_by.values() for term in terms}
        names = {term.removeprefix("-") for term in {*ordering, *behind}} | (set(ordering_fields) - ordered_by.keys())
        names |= orders_of(self._filters)
        orderings: dict[str, Callable[[], Any]] = {name: partial(self.column, name) for name in sorted(names)}
        self.listing = Listing(
            name or model.__tablename__,
            model_name or object_name(model),
            partial(primary_key, model),
            orderings,
            # Its expressions take 2 ms to make (docs/benchmark.md).
            cache(self._shape),
            self._items,
        )

    @property
    def query(self) -> dict[str, str]:
        """The query parameters of the list, besides those of its pages, by name → description."""
        ordering = {self._ordering_param: ORDERING["ordering"]} if self._ordering_fields else {}
        search = {self._search_param: SEARCH["search"]} if self._search_fields else {}
        return describe_filters(self._filters) | ordering | search

    @property
    def pages(self) -> dict[str, str]:
        """The query parameters of the list's pages, by name → description."""
        return self._pagination.parameters if self._pagination else {}

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
        # Nobody is no value: Django fails then, too.
        return request.state.caller.id if value is CALLER else value

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
        caller = request.state.caller.id
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
