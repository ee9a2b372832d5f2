"""A list of items: how a page of it is found, and how the items of that page are read, in one statement."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, bindparam, func, literal_column, select

from strangler_fastapi.db.query import Rows, Shape, fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria, clauses_of, key_of, values_of
from strangler_fastapi.errors import Conflict, NotFound


@dataclass(frozen=True)
class Listing:
    """Items of one kind; `noun` is what an absent one is called (Django's model).

    `key` gives the primary key's attribute and `orderings` the expressions by which the list can be ordered; `shape`
    is what an item holds, and `items` selects it for the keys of a page: a statement joined to `page.c.id`. All of
    them are called only when a statement is built.
    """

    name: str
    noun: str
    key: Callable[[], Any]
    orderings: Mapping[str, Callable[[], Any]]
    shape: Callable[[], Shape]
    items: Callable[[CTE], Select[Any]]

    def rows(
        self,
        criteria: Criteria,
        terms: tuple[str, ...] = (),
        *,
        limit: int | None = None,
        offset: int = 0,
        counted: bool = False,
        marked: bool = False,
    ) -> Rows:
        """The items that meet `criteria`, ordered by `terms`, from `offset` on, `limit` of them at the most.

        After the shape's columns come, where `marked`, those of `terms` and, where `counted`, the number of all items
        that meet the criteria.
        """
        kinds = (offset and "skipping", counted and "counted", marked and "marked")
        structure = (self.name, key_of(criteria), terms, limit, kinds)
        values = values_of(criteria) | ({"offset": offset} if offset else {})

        def build() -> Select[Any]:
            statement = self.items(self._page(criteria, terms, limit, skips=bool(offset)))
            statement = statement.order_by(*self._order(terms))
            if marked:
                statement = statement.add_columns(*(self._expression(term) for term in terms))
            return statement.add_columns(self._total(criteria)) if counted else statement

        return Rows(structure, build, values)

    async def fetch(
        self, session: RequestSession, criteria: Criteria, terms: tuple[str, ...] = (), *, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The items that meet `criteria`, ordered by `terms`, `limit` of them at the most."""
        shape = self.shape()
        return [shape.build(row) for row in await fetch(session, self.rows(criteria, terms, limit=limit))]

    async def get(self, session: RequestSession, criteria: Criteria) -> dict[str, Any]:
        """The one item that meets `criteria`.

        Raises:
            NotFound: there is none.
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
            NotFound: there is none.
        """
        key = await fetch_value(session, self.keys(criteria))
        if key is None:
            raise self.not_found()
        return key

    def keys(self, criteria: Criteria) -> Rows:
        """The keys of the items that meet `criteria`."""
        structure = (self.name, key_of(criteria), "key")
        return Rows(structure, lambda: select(self.key()).where(*clauses_of(criteria)), values_of(criteria))

    def not_found(self) -> NotFound:
        """The answer where there is no such item."""
        return NotFound(f"No {self.noun} matches the given query.")

    def count(self, criteria: Criteria) -> Rows:
        """How many items meet `criteria`."""
        structure = (self.name, key_of(criteria), "count")
        return Rows(structure, lambda: select(self._total(criteria)), values_of(criteria))

    def comes_after(self, terms: tuple[str, ...], *, backwards: bool) -> Callable[[], ColumnElement[bool]]:
        """The condition that an item comes after the one whose `terms` are the parameters `mark0`, `mark1` and so on.

        `backwards` turns the order round: before it. PostgreSQL reads it off an index where all terms go one way.
        """

        def clause() -> ColumnElement[bool]:
            marks = [bindparam(f"mark{number}", type_=self._expression(t).type) for number, t in enumerate(terms)]
            condition: ColumnElement[bool] | None = None
            for term, mark in reversed(list(zip(terms, marks, strict=True))):
                expression = self._expression(term)
                beyond = expression < mark if term.startswith("-") != backwards else expression > mark
                condition = beyond if condition is None else beyond | ((expression == mark) & condition)
            assert condition is not None  # noqa: S101 - there is always the id
            return condition

        return clause

    def type_of(self, term: str) -> type:
        """The Python type of what a term orders by."""
        kind: type = self._expression(term).type.python_type
        return kind

    def _page(self, criteria: Criteria, terms: tuple[str, ...], limit: int | None, *, skips: bool) -> CTE:
        page = select(self.key().label("id")).where(*clauses_of(criteria)).order_by(*self._order(terms))
        if limit is not None:
            # No parameter: PostgreSQL keeps a plan only if it knows how few rows are wanted, and planning anew takes
            # longer than the statement itself.
            page = page.limit(literal_column(str(limit)))
        return (page.offset(bindparam("offset")) if skips else page).cte("page")

    def _total(self, criteria: Criteria) -> ColumnElement[int]:
        counted = select(func.count()).select_from(self.key().class_).where(*clauses_of(criteria))
        return counted.scalar_subquery()

    def _order(self, terms: tuple[str, ...]) -> list[ColumnElement[Any]]:
        return [self._expression(t).desc() if t.startswith("-") else self._expression(t).asc() for t in terms]

    def _expression(self, term: str) -> Any:  # noqa: ANN401 - a mapped attribute or an expression
        name = term.removeprefix("-")
        return self.key() if name == "id" else self.orderings[name]()
