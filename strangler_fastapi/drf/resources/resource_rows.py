"""Which rows of a table a resource is about, for a caller, a path and the parameters of a list."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType, SimpleNamespace
from typing import Any

from sqlalchemy import CTE, Executable, Select, and_, select
from starlette.requests import Request

from shared_schema.consumer.samples import Sample, sample_of
from strangler_fastapi.auth.authentication import auth_of
from strangler_fastapi.db.query import Rows, Shape, fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.caller_rows import caller_criteria, is_caller_named
from strangler_fastapi.drf.criteria import Criteria, Criterion, clauses_of, equals, key_of, lookup, values_of
from strangler_fastapi.drf.fields.nested_fields import shape_of
from strangler_fastapi.drf.filters.filtering import Filter, Params, filter_criteria, missing_rows
from strangler_fastapi.drf.filters.search import Searched, search_criteria, search_field
from strangler_fastapi.drf.links import attribute_of_field
from strangler_fastapi.drf.parents import Parent
from strangler_fastapi.drf.resources.row_writer import Given, RowWriter
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.errors import NotPorted


class ResourceRows(RowWriter):
    """The rows of a `Resource`, which says what its arguments mean."""

    _answers: Serializer
    _annotations: Mapping[str, Callable[[], Any]]
    _checked: tuple[str, ...]
    given: Given
    _filters: Mapping[str, Filter]
    _lookup_field: str
    _lookup_url_kwarg: str
    _of_caller: bool | str
    _owner: str | None
    _owner_except: str | None
    _parents_of_rows: tuple[Parent, ...]
    _search_fields: tuple[str, ...]
    _search_param: str
    _search_unaccented: bool
    _where: Callable[[], Sequence[Any]] | None
    _within: Mapping[str, str]

    def column(self, name: str) -> Any:  # noqa: ANN401 - a mapped attribute, or an SQL expression
        """What a name stands for: an annotation, an attribute of the class, or a field of Django's."""
        if name in self._annotations:
            return self._annotations[name]()
        return getattr(self.model, name if hasattr(self.model, name) else attribute_of_field(self.model, name))

    def criteria(
        self, params: Params, missing: Mapping[str, Any] = MappingProxyType({}), *, is_sample: bool = False
    ) -> Criteria:
        """The rows that the filters and the search leave (`filter_criteria`)."""
        searched = search_criteria(params, self._searched, parameter=self._search_param)
        filtered = filter_criteria(params, self._filters, missing, is_sample=is_sample)
        return (*filtered, *(searched if self._search_fields else ()))

    def _searched(self) -> tuple[Searched, ...]:
        named = (search_field(each, unaccented=self._search_unaccented) for each in self._search_fields)
        return tuple(Searched(self.column(name), lookup) for name, lookup in named)

    async def _criteria(self, request: Request, session: RequestSession) -> Criteria:
        for parent in self._parents_of_rows:
            await parent.find(session, request.path_params, _key_of(request))
        params = request.query_params
        missing = await missing_rows(session, params, self._filters) if params else {}
        caller = request.state.caller
        sees_all = self._owner_except is not None and getattr(caller, self._owner_except, False)
        owned = () if sees_all else self._owned(lambda _name: _owner_key(request))
        narrowed = (*self._narrowed(), *owned, *self._inside(request.path_params), *self.criteria(params, missing))
        return (*narrowed, *self._shown_to(request))

    async def _check(self, request: Request, session: RequestSession, criteria: Criteria) -> None:
        """Shows the row that a path names to the permissions that look at rows."""
        if not self._checked:
            return
        rows = await fetch(session, self._checked_rows(criteria))
        if not rows:
            raise self.listing.not_found()
        row = SimpleNamespace(**dict(zip(self._checked, rows[0], strict=True)))
        await request.scope["view"].access.check_object(request, row)

    def _checked_rows(self, criteria: Criteria) -> Rows:
        structure = (self.listing.name, self.listing.shape, key_of(criteria), "checked")

        def build() -> Executable:
            columns = [self.column(name).label(name) for name in self._checked]
            return select(*columns).select_from(self.model).where(*clauses_of(criteria))

        return Rows(structure, build, values_of(criteria))

    def _owned(self, key: Callable[[str], Any]) -> Criteria:
        """The rows whose owner has the key that an attribute is given; all of them where nobody owns any."""
        if self._owner is None:
            return ()
        # A client that filters by a parameter of that name narrows what it may see, and no more.
        column = partial(self.column, self._owner)
        return (equals("owner", column, key(self._owner), parameter="owner of the rows"),)

    @cached_property
    def _is_by_caller(self) -> bool:
        """Whether what is shown of a row is another for each caller."""
        annotated = (make() for make in self._annotations.values())
        return is_caller_named((*self.listing.shape().columns, *annotated))

    def _shown_to(self, request: Request) -> Criteria:
        """Whom rows are shown to, where that makes a difference: nobody is named in a statement, which all share."""
        return caller_criteria(_key_of(request)) if self._is_by_caller else ()

    def _sampled_caller(self) -> Criteria:
        return caller_criteria(None) if self._is_by_caller else ()

    def _narrowed(self) -> Criteria:
        """The rows that the resource is about at all."""
        where = self._where
        return () if where is None else (Criterion("where", lambda: and_(*where())),)

    def _inside(self, parameters: Mapping[str, str]) -> Criteria:
        """The rows that the path names the surroundings of."""
        return tuple(
            lookup(partial(self.column, name), parameters[parameter], f"within{number}")
            for number, (name, parameter) in enumerate(self._within.items())
        )

    async def _created_by(self, request: Request, session: RequestSession) -> dict[str, Any]:
        """What a new row gets of its caller, and of the rows that it belongs to.

        Raises:
            ApiError: a parent isn't there, or nobody is signed in.
        """
        made = {self.creator: saved_caller(request)} if self.creator else {}
        return made | await self._parents_of(request, session)

    async def _parents_of(
        self, request: Request, session: RequestSession, *, precedes_body: bool = False
    ) -> dict[str, Any]:
        """What a new row gets of the rows that it belongs to, and that are looked for then.

        Raises:
            NotFound: one isn't there.
        """
        made: dict[str, Any] = {}
        for parent in (each for each in self.parents_of_new if each.precedes_body is precedes_body):
            key = await parent.find(session, request.path_params, _key_of(request))
            made |= {parent.attribute: key} if parent.attribute else {}
        return made

    def _parent_samples(self, used: Collection[str]) -> Iterator[Sample]:
        """The statements that find the parents."""
        of_rows = self._parents_of_rows if {*used} != {"create"} else ()
        of_new = self.parents_of_new if "create" in used else ()
        given = (value for action, values in self.given.items() if action in used for value in values.values())
        of_given = (each for each in given if isinstance(each, Parent))
        for number, parent in enumerate(dict.fromkeys((*of_rows, *of_new, *of_given))):
            yield from parent.samples(f"{self.listing.name} parent {number}")

    def _shape(self) -> Shape:
        return shape_of(self._answers, self.model, self._annotations)

    def _items(self, page: CTE) -> Select[Any]:
        return select(*self.listing.shape().columns).join_from(self.model, page, page.c.id == self.listing.key())

    def _sampled_list(self, params: Params) -> Criteria:
        named = {parameter: str(self._sample(name)) for name, parameter in self._within.items()}
        is_search = "search" not in self._filters
        params = {self._search_param if name == "search" and is_search else name: each for name, each in params.items()}
        criteria = (*self.criteria(params, is_sample=True), *self._sampled_caller())
        return (*self._narrowed(), *self._owned(self._sample), *self._inside(named), *criteria)

    def _sample(self, name: str) -> Any:  # noqa: ANN401 - of the attribute's type
        return sample_of(self.column(name).type.python_type)

    async def _named(self, request: Request, session: RequestSession) -> Criteria:
        if self._of_caller:
            return (*self._of_key(_key_of(request)), *self._shown_to(request))
        text = request.path_params[self._lookup_url_kwarg]
        return (*await self._criteria(request, session), self._lookup(text))

    def _sampled(self, params: Params) -> Criteria:
        if self._of_caller:
            name = self._of_caller if isinstance(self._of_caller, str) else self.listing.key().key
            return (*self._of_key(self._sample(name)), *self._sampled_caller())
        return (
            *self._sampled_list(params),
            self._lookup(str(sample_of(self._looked_up().type.python_type))),
        )

    def _of_key(self, key: object) -> Criteria:
        """The row of the caller that has this key."""
        if not isinstance(self._of_caller, str):
            return self._by_key(key)
        return (equals("of caller", partial(self.column, self._of_caller), key, parameter="caller of the row"),)

    def _by_key(self, key: object) -> Criteria:
        return (equals("pk", self.listing.key, key, parameter="pk of the path"),)

    def _lookup(self, text: str) -> Criterion:
        """The row that a path names by `text`: not by the name of its key, whose statements are others."""
        return lookup(self._looked_up, text, "pk" if self._lookup_field == "pk" else f"lookup {self._lookup_field}")

    def _looked_up(self) -> Any:  # noqa: ANN401 - a mapped attribute
        """The attribute that the path names a row by."""
        return self.listing.key() if self._lookup_field == "pk" else self.column(self._lookup_field)


def saved_caller(request: Request) -> Any:  # noqa: ANN401 - as below
    """The key of the caller, which a row gets.

    Raises:
        NotPorted: nobody is signed in: Django fails of nobody as a row, and saves null where its key is saved.
    """
    if request.state.caller is None:
        raise NotPorted("a row of the caller, where nobody is signed in")
    return _key_of(request)


def _owner_key(request: Request) -> Any:  # noqa: ANN401 - as below
    """The key of the caller as that of rows' owner.

    Raises:
        NotPorted: an access token of no user: Django looks for rows that nobody owns.
    """
    if request.state.caller is None and auth_of(request) is not None:
        raise NotPorted("rows of the caller, by an access token of no user")
    return _key_of(request)


def _key_of(request: Request) -> Any:  # noqa: ANN401 - of the key's type
    """The key of the caller, None of an anonymous one."""
    return getattr(request.state.caller, "id", None)
