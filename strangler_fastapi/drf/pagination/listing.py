"""A list of items: how a page of it is found, and how the items of that page are read, in one statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, bindparam, func, literal_column, select, union_all
from sqlalchemy.types import TypeEngine

from strangler_fastapi.db.query import Rows, Shape, fetch, fetch_value, was_slow
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria, clauses_of, key_of, values_of
from strangler_fastapi.drf.pagination.positions import Place, ranges_after
from strangler_fastapi.errors import Conflict, Http404

Item = Mapping[str, Any]

# Of so many rows, wherever they are, so many meet what is common: the page is full after a few thousand.
_LOOKED_AT, _COMMON = 1000, 20


def _counted(_criteria: Criteria) -> None:
    """No item says how many there are."""


def _nothing() -> Sequence[Any]:
    """The keys of a page are enough."""
    return ()


@dataclass(frozen=True)
class Listing:
    """Items of one kind; `noun` is what an absent one is called (Django's model).

    `key` gives the primary key's attribute and `orderings` the expressions by which the list can be ordered; `shape`
    is what an item holds, and `items` selects it for the keys of a page: a statement joined to `page.c.id`. All of
    them are called only when a statement is built; statements of another `shape` are others, whatever `name` says.

    `total` is for a list whose items say how many meet some criteria, as an author's posts do that bear their author's
    number of posts: it gives what reads that off an item, and None where it has to be counted.

    `row` is for an `items` that looks at its rows more than once, as for their authors' keys: it gives attributes, but
    for the key, that `page.c` has besides by their names. They are read once, and of a page's rows alone.
    """

    name: str
    noun: str
    key: Callable[[], Any]
    orderings: Mapping[str, Callable[[], Any]]
    shape: Callable[[], Shape]
    items: Callable[[CTE], Select[Any]]
    total: Callable[[Criteria], Callable[[Item], int] | None] = _counted
    row: Callable[[], Sequence[Any]] = _nothing

    def rows(
        self,
        criteria: Criteria,
        terms: tuple[str, ...] = (),
        *,
        limit: int | None = None,
        offset: int = 0,
        counted: bool = False,
        apart: bool = False,
        marked: bool = False,
        after: Sequence[Any] = (),
    ) -> Rows:
        """The items that meet `criteria`, ordered by `terms`, from `offset` on, `limit` of them at the most.

        `after` are the values that `terms` have of an item: only what comes after it is read.

        After the shape's columns come, where `marked`, those of `terms` and, where `counted`, the number of all items
        that meet the criteria. Where these scan, the page and the number look at each row once, together, or `apart`.
        """
        nulls = tuple(f"null {term}" for term, mark in zip(terms, after, strict=False) if mark is None)
        kinds = (offset and "skipping", counted and "counted", apart and "apart", marked and "marked")
        # A filter may have the name of a term.
        ordered = ("by", *terms) if terms else ()
        structure = (self.name, self.shape, key_of(criteria), ("after", *nulls) if after else "", ordered, limit, kinds)
        marks = {f"mark{number}": mark for number, mark in enumerate(after) if mark is not None}
        values = values_of(criteria) | ({"offset": offset} if offset else {}) | marks

        def build() -> Select[Any]:
            together = counted and not apart and any(criterion.scans for criterion in criteria)
            ranges = self._ranges(terms, after)
            page = self._page(criteria, terms, limit, ranges=ranges, skips=bool(offset), counted=together)
            row = self.row()
            if row:
                page = select(page, *row).join_from(page, self.key().class_, self.key() == page.c.id).cte("page_rows")
            places = [page.c[_place(n)] if row else self.expression(term) for n, term in enumerate(terms)]
            statement = self.items(page).order_by(*map(_directed, places, terms))
            if marked:
                statement = statement.add_columns(*places)
            if not counted:
                return statement
            return statement.add_columns(page.c.total if together else self._total(criteria))

        return Rows(structure, build, values)

    async def fetch(
        self,
        session: RequestSession,
        criteria: Criteria,
        terms: tuple[str, ...] = (),
        *,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        """The items that meet `criteria`, ordered by `terms`, from `offset` on, `limit` of them at the most."""
        shape = self.shape()
        rows = self.rows(criteria, terms, limit=limit, offset=offset)
        return [shape.build(row) for row in await fetch(session, rows)]

    async def fetch_page(
        self, session: RequestSession, criteria: Criteria, terms: tuple[str, ...], *, limit: int, offset: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Items as `rows` gives them, and the number of all that meet `criteria`, which is 0 where none is found."""
        told = self.total(criteria)
        statement = self.rows(criteria, terms, limit=limit, offset=offset, counted=told is None)
        if told is None and was_slow(statement) and await self._is_common(session, criteria):
            statement = self.rows(criteria, terms, limit=limit, offset=offset, counted=True, apart=True)
        rows = await fetch(session, statement)
        if not rows:
            return [], 0
        shape = self.shape()
        items = [shape.build(row) for row in rows]
        return items, rows[0][-1] if told is None else told(items[0])

    async def get(self, session: RequestSession, criteria: Criteria) -> dict[str, Any]:
        """The one item that meets `criteria`.

        Raises:
            Http404: there is none.
        """
        items = await self.fetch(session, criteria)
        if not items:
            raise self.not_found()
        return items[0]

    async def get_written(self, session: RequestSession, criteria: Criteria) -> dict[str, Any]:
        """The one item that meets `criteria`, which this request has written.

        Raises:
            Conflict: there is none, since another transaction has removed a row that it belongs to.
        """
        items = await self.fetch(session, criteria)
        if not items:
            raise Conflict
        return items[0]

    async def find(self, session: RequestSession, criteria: Criteria) -> Any:  # noqa: ANN401 - of the key's type
        """The key of the one item that meets `criteria`.

        Raises:
            Http404: there is none.
        """
        key = await fetch_value(session, self.keys(criteria))
        if key is None:
            raise self.not_found()
        return key

    def keys(self, criteria: Criteria) -> Rows:
        """The keys of the items that meet `criteria`."""
        structure = (self.name, self.shape, key_of(criteria), "key")
        return Rows(structure, lambda: select(self.key()).where(*clauses_of(criteria)), values_of(criteria))

    def not_found(self) -> Http404:
        """The answer where there is no such item."""
        return Http404(f"No {self.noun} matches the given query.")

    def count(self, criteria: Criteria) -> Rows:
        """How many items meet `criteria`."""
        structure = (self.name, self.shape, key_of(criteria), "count")
        return Rows(structure, lambda: select(self._total(criteria)), values_of(criteria))

    async def _is_common(self, session: RequestSession, criteria: Criteria) -> bool:
        """Whether so many rows meet criteria that scan that a page is soon full.

        To look at each row once, together, sorts all rows that are found, which are too many then; PostgreSQL counts
        them in several processes, and stops at the end of the page.
        """
        scans = [criterion for criterion in criteria if criterion.scans]
        if not scans:
            return False

        def build() -> Select[int]:
            plain = [criterion for criterion in criteria if not criterion.scans]
            looked = select(and_(*clauses_of(tuple(scans))).label("found")).select_from(self.key().class_)
            some = _limited(looked.where(*clauses_of(tuple(plain))), _LOOKED_AT).subquery()
            return select(func.count()).select_from(some).where(some.c.found)

        structure = (self.name, self.shape, key_of(criteria), "some")
        found: int = await fetch_value(session, Rows(structure, build, values_of(criteria)))
        return found >= _COMMON

    def type_of(self, term: str) -> TypeEngine[Any]:
        """The type of what a term orders by."""
        kind: TypeEngine[Any] = self.expression(term).type
        return kind

    def may_be_null(self, term: str) -> bool:
        """Whether what a term orders by may be null; of an expression nobody knows."""
        return term.removeprefix("-") != "id" and getattr(self.expression(term), "nullable", True) is not False

    def _page(
        self,
        criteria: Criteria,
        terms: tuple[str, ...],
        limit: int | None,
        *,
        ranges: Sequence[ColumnElement[bool]],
        skips: bool,
        counted: bool,
    ) -> CTE:
        """The keys of a page, each with the `total` of all pages where `counted`, and its places where needed.

        Of several ranges each is read as far as the page goes, and none beyond.
        """
        places = [self.expression(term).label(_place(number)) for number, term in enumerate(terms)]
        columns = [self.key().label("id"), *(places if len(ranges) > 1 or self.row() else ())]
        columns += [func.count().over().label("total")] if counted else []
        page = _limited(select(*columns).where(*clauses_of(criteria)).order_by(*self._order(terms)), limit)
        if len(ranges) > 1:
            every = union_all(*(page.where(part) for part in ranges)).subquery("ranges")
            order = [_directed(every.c[place.name], term) for place, term in zip(places, terms, strict=True)]
            kept = every.c if self.row() else (every.c.id,)
            return _limited(select(*kept).order_by(*order), limit).cte("page")
        page = page.where(*ranges)
        return (page.offset(bindparam("offset")) if skips else page).cte("page")

    def _ranges(self, terms: tuple[str, ...], after: Sequence[Any]) -> list[ColumnElement[bool]]:
        if not after:
            return []
        places = []
        for number, (term, mark) in enumerate(zip(terms, after, strict=True)):
            parameter = None if mark is None else bindparam(f"mark{number}", type_=self.type_of(term))
            places.append(Place(self.expression(term), parameter, term.startswith("-"), self.may_be_null(term)))
        return ranges_after(places)

    def _total(self, criteria: Criteria) -> ColumnElement[int]:
        counted = select(func.count()).select_from(self.key().class_).where(*clauses_of(criteria))
        # Of its own, whatever the statement around it reads.
        return counted.correlate(None).scalar_subquery()

    def _order(self, terms: tuple[str, ...]) -> list[ColumnElement[Any]]:
        return [_directed(self.expression(term), term) for term in terms]

    def expression(self, term: str) -> Any:  # noqa: ANN401 - a mapped attribute or an expression
        """What a term orders by."""
        name = term.removeprefix("-")
        return self.key() if name == "id" else self.orderings[name]()


def _place(number: int) -> str:
    """The name of what a page is ordered by."""
    return f"place{number}"


def _directed(expression: Any, term: str) -> ColumnElement[Any]:  # noqa: ANN401 - a mapped attribute or an expression
    directed: ColumnElement[Any] = expression.desc() if term.startswith("-") else expression.asc()
    return directed


def _limited(statement: Select[Any], limit: int | None) -> Select[Any]:
    # No parameter: PostgreSQL keeps a plan only if it knows how few rows are wanted, and planning anew takes longer
    # than the statement itself.
    return statement if limit is None else statement.limit(literal_column(str(limit)))
