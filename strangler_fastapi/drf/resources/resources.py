"""A table as a resource: what its endpoints answer, and every statement that they send."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final

from shared_schema.mapping import primary_key
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.filters.filtering import ORDERING, Filter, describe_filters
from strangler_fastapi.drf.filters.order_filters import orders_of
from strangler_fastapi.drf.filters.search import SEARCH
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.pagination.pagination import PAGE_NUMBERS, Pagination
from strangler_fastapi.drf.parents import Parent, object_name
from strangler_fastapi.drf.resources.caller_links import CallerLink
from strangler_fastapi.drf.resources.resource_actions import ResourceActions
from strangler_fastapi.drf.resources.row_writer import Given, Performed
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.effects import Effect, TableEffects, effect_register

# Given the resource, the session and what was cleaned, writes a new row and returns its key.
PerformCreate = Callable[["Resource", RequestSession, dict[str, Any]], Awaitable[Any]]
# Given the resource, the session, the row's key and what was cleaned, changes it.
PerformUpdate = Callable[["Resource", RequestSession, Any, dict[str, Any]], Awaitable[None]]
# Given the resource, the session and the row's key, deletes it, or does what stands for that.
PerformDestroy = Callable[["Resource", RequestSession, Any], Awaitable[None]]
ACTIONS: Final = ("list", "retrieve", "create", "update", "destroy")


class Resource(ResourceActions):
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
