"""Rows that link the row of a path to the caller: a favourite, a like, a membership, added and removed by actions.

LIKES = CallerLink(Favorite, row="recipe_id", caller="user_id")

return await RECIPES.link(
    request,
    session,
    LIKES,
    absent=Linking(Answer(201), writes="add"),
    present=Linking(Answer(400, {"errors": "It is one already."})),
)
"""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import Executable, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from shared_schema.consumer.samples import Deletion, Sent, sample_of
from shared_schema.mapping import Reflected, primary_key
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.http.own_handler import Answer
from strangler_fastapi.drf.parents import object_name
from strangler_fastapi.effects import RowWrite, TableEffects
from strangler_fastapi.errors import Http404, NotPorted


@dataclass(frozen=True)
class Linking:
    """What an action does where there is a link, or none: it `writes` that, or not, and answers.

    Without an `answer` what is missing is the link, and the answer is DRF's 404 of `get_object_or_404`.
    """

    answer: Answer | None = None
    writes: Literal["add", "remove"] | None = None


@dataclass(frozen=True)
class CallerLink:
    """The rows of `model` whose attribute `row` is the key of a path's row, and whose attribute `caller` the caller's.

    `model` is a table of its own, or that of a many-to-many relation; then Django tells nobody of its rows but who
    listens to links (`m2m_changed`). `adds` and `removes` say what actions do with it.
    """

    model: type[Reflected]
    _: KW_ONLY
    row: str
    caller: str
    adds: bool = True
    removes: bool = True

    async def keys(self, session: RequestSession, row: object, caller: object) -> list[Any]:
        """The keys of the links between a row and a caller."""
        return [found[0] for found in await fetch(session, self._found(row, caller))]

    async def add(self, session: RequestSession, row: object, caller: object, *, once: bool) -> bool:
        """Adds a link. With `once`, and of a relation, one that is there already is left alone; then this is False.

        Raises:
            NotPorted: nobody has written what Django calls for such a row.
        """
        write = RowWrite(self.model.__table_key__, "create", values={self.row: row, self.caller: caller})
        if self._of_links:
            raise NotPorted(*self._of_links)
        await self._effects.before(session, write)
        found = await fetch(session, self._added(write.values, once=once))
        if found:
            made = RowWrite(write.table, "create", tuple(each[0] for each in found), write.values)
            await self._effects.after(session, made)
        return bool(found)

    async def remove(self, session: RequestSession, keys: list[Any]) -> None:
        """Removes links, with what Django deletes along with them.

        Raises:
            NotPorted: nobody has written what Django calls for such a row.
        """
        if self._of_links:
            raise NotPorted(*self._of_links)
        await self._effects.delete(session, keys)

    def not_found(self) -> Http404:
        """The answer where a handler looks for a link by `get_object_or_404`, and there is none."""
        return Http404(f"No {object_name(self.model)} matches the given query.")

    @property
    def unported(self) -> tuple[str, ...]:
        """What Django calls when links are written and nobody has written here yet."""
        added = self._effects.lacking("create") if self.adds else ()
        removed = (*self._effects.lacking("delete"), *self._effects.lacking_along()) if self.removes else ()
        return (*added, *removed, *self._of_links)

    def samples(self, name: str) -> Iterator[Sent]:
        """Every statement that is sent for it."""
        table = self.model.__tablename__
        row, caller = (sample_of(getattr(self.model, each).type.python_type) for each in (self.row, self.caller))
        yield self._found(row, caller).sample(f"{name} {table} found")
        if self.adds:
            yield self._added({self.row: row, self.caller: caller}, once=True).sample(f"{name} {table} added")
        if self.removes:
            yield Deletion(self.model.__table_key__)

    @cached_property
    def _effects(self) -> TableEffects:
        return TableEffects(self.model.__mapping__.contract, self.model.__table_key__)

    @cached_property
    def _of_links(self) -> tuple[str, ...]:
        return self._effects.of_links(self.model.__table_key__).lacking("add")

    def _found(self, row: object, caller: object) -> Rows:
        def build() -> Executable:
            columns = getattr(self.model, self.row), getattr(self.model, self.caller)
            given = (bindparam(name, type_=each.type) for name, each in zip(("row", "caller"), columns, strict=True))
            return select(primary_key(self.model)).where(
                *(column == each for column, each in zip(columns, given, strict=True))
            )

        return Rows((self.model, "links of a caller", self.row, self.caller), build, {"row": row, "caller": caller})

    def _added(self, values: Mapping[str, Any], *, once: bool) -> Rows:
        def build() -> Executable:
            named: dict[str, Any] = {
                self.model.__columns__.get(each, each): bindparam(f"new {each}") for each in values
            }
            made = insert(self.model.__table__).values(named)
            facts = self.model.__mapping__.contract.tables.get(self.model.__table_key__)
            is_relation = facts is not None and facts.auto_created
            return (made.on_conflict_do_nothing() if once or is_relation else made).returning(primary_key(self.model))

        structure = (self.model, "link of a caller", once, *values)
        return Rows(structure, build, {f"new {each}": value for each, value in values.items()})
