"""What else happens when rows are written: Django's receivers and overridden `save`s, as functions of the service.

    async def announce(session: RequestSession, write: RowWrite) -> None:
        session.on_commit(partial(send_mail, write.keys))

    BOATS = Resource(Boat, BOAT_SERIALIZER, effects=(Effect("harbour.signals.announce", after=announce),))

The contract names what Django calls for the rows of a table. A write that needs one of those that is no Effect is
answered with 501: done without, it would lose a mail, a number or a row of the history.

Functions are called in the write's transaction, and what they raise refuses the write, as in Django. What must not
happen unless the row is there goes to `session.on_commit`.
"""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Final, Literal

from shared_schema.contract.contract import Contract
from shared_schema.contract.deletion import delete_rows
from shared_schema.contract.deletion_plan import DeletionPlans
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.unported import unported_of
from strangler_fastapi.errors import NotPorted

Action = Literal["create", "update", "delete", "add", "remove"]
_BEFORE: Final = ("pre_save", "pre_delete")
_SAVES: Final = frozenset({"save", "pre_save", "post_save"})
_DELETES: Final = frozenset({"delete", "pre_delete", "post_delete"})
_LINKS: Final = frozenset({"m2m_changed"})
_OF_ACTION: Final = {"delete": _DELETES, "add": _LINKS, "remove": _LINKS}


@dataclass(frozen=True)
class RowWrite:
    """Rows of one table that are written.

    `table` is the contract's name of it. `keys` are the rows', none of a new one that isn't written yet. `values` are
    those that a new or changed row gets, by attribute: whoever is called before may change them, and add others.

    Of links between rows, which a many-to-many relation adds and removes, `table` is the one that holds them, `owner`
    the key of the row whose relation it is, and `keys` are those of the rows that it is linked to (`m2m_changed`).
    """

    table: str
    action: Action
    keys: Sequence[Any] = ()
    values: MutableMapping[str, Any] = field(default_factory=dict)
    owner: Any = None


EffectFunction = Callable[[RequestSession, RowWrite], Awaitable[None] | None]


@dataclass(frozen=True)
class Effect:
    """Functions that stand for one of Django's, called before the rows are written, after, or both.

    `name` is Django's as the contract has it: a receiver, such as `harbour.signals.announce`, or a method of a model,
    such as `harbour.Boat.save`. One without a name is FastAPI's own. One without functions says that FastAPI needs
    none of it. `write.action` says what is done to the rows. `writes` are the attributes that it gives a row, besides
    those of a body: FastAPI's role may write them then.
    """

    name: str = ""
    before: EffectFunction | None = None
    after: EffectFunction | None = None
    writes: tuple[str, ...] = ()

    @property
    def unported(self) -> tuple[str, ...]:
        """What nobody has written yet (`strangler_fastapi.drf.unported`)."""
        return tuple(what for each in (self.before, self.after) for what in unported_of(each))


@dataclass(frozen=True)
class _Called:
    """What Django calls: its name, how a gap names it, and when it is called."""

    name: str
    text: str
    times: tuple[str, ...]


_registered: dict[str, Effect] = {}


def effect_register(effect: Effect) -> None:
    """Has an effect called wherever the library writes rows for which Django calls its namesake.

    A `Resource` registers its own. Register what rows need that are only deleted along with others. One that is still
    to be written takes no other's place.
    """
    if effect.name not in _registered or not effect.unported:
        _registered[effect.name] = effect


class TableEffects:
    """What is called for one table's rows; `own` are the effects that a resource names.

    Of rows that are deleted `along` with others Django calls the receivers, and no method. `links` are the tables that
    hold the links which are written along with a row.
    """

    def __init__(
        self,
        contract: Contract,
        table: str,
        own: Sequence[Effect] = (),
        *,
        along: bool = False,
        links: Sequence[str] = (),
    ) -> None:
        self._contract = contract
        self._table = table
        self._own = own
        self._along = along
        self._links = links

    def check(self) -> None:
        """Looks whether each of its own is one of Django's, and has a function for each time at which it is called.

        Raises:
            LookupError: it is not.
        """
        known: dict[str, set[str]] = {}
        of_links = (called for table in self._links for called in self.of_links(table)._called("add"))  # noqa: SLF001 - its own class
        for called in (*self._called("create"), *self._called("delete"), *of_links):
            known.setdefault(called.name, set()).update(called.times)
        for effect in self._own:
            if effect.name and effect.name not in known:
                names = ", ".join(known) or "nothing"
                raise LookupError(
                    f"Django calls {names} for rows of {self._table}, and no {effect.name}: name one of those."
                )
            given = {time for time in ("before", "after") if getattr(effect, time) is not None}
            if given and (missing := known.get(effect.name, set()) - given):
                time = min(missing)
                raise LookupError(
                    f"Django calls {effect.name} {time} it writes a row of {self._table}: give Effect {time}=…"
                )

    @property
    def writes(self) -> tuple[str, ...]:
        """The attributes that its own effects give rows."""
        return tuple(dict.fromkeys(name for effect in self._own for name in effect.writes))

    def lacking(self, action: Action) -> tuple[str, ...]:
        """What Django calls and nobody has written yet."""
        found: dict[str, None] = {}
        for called in self._called(action):
            effect = self._effect(called.name)
            found |= dict.fromkeys((called.text,) if effect is None else (*effect.unported, *_missing(effect, called)))
        return tuple(found)

    def lacking_links(self) -> tuple[str, ...]:
        """The same of the links that are written along with a row."""
        return tuple(what for table in self._links for what in self.of_links(table).lacking("add"))

    def lacking_along(self) -> tuple[str, ...]:
        """The same of the rows that a deletion may take along."""
        plans = DeletionPlans(self._contract).collected(self._table)
        return tuple(
            what for plan in plans if plan.name != self._table for what in self._of(plan.name).lacking("delete")
        )

    async def before(self, session: RequestSession, write: RowWrite) -> None:
        """Calls what is called before rows are written.

        Raises:
            NotPorted: nobody has written one yet.
        """
        if lacking := self.lacking(write.action):
            raise NotPorted(*lacking)
        for effect in self._effects(write.action):
            await _call(effect.before, session, write)

    async def after(self, session: RequestSession, write: RowWrite) -> None:
        """Calls what is called once rows are written, before the transaction ends."""
        for effect in self._effects(write.action):
            await _call(effect.after, session, write)

    async def delete(self, session: RequestSession, keys: Sequence[Any]) -> dict[str, int]:
        """Deletes rows, with what Django deletes along with them; returns how many went, by table.

        Raises:
            ProtectedError: rows that stay point at one of them.
            NotPorted: nobody has written what Django calls for one of them.
        """
        wanted = {*keys}

        def called(time: str) -> Callable[[str, Sequence[Any]], Awaitable[None]]:
            async def call(table: str, met: Sequence[Any]) -> None:
                # Rows of this table may hang on one that is to be deleted.
                own = [key for key in met if table == self._table and key in wanted]
                along = [key for key in met if key not in wanted or table != self._table]
                for effects, those in ((self, own), (self._of(table), along)):
                    if those:
                        await getattr(effects, time)(session, RowWrite(table, "delete", those))

            return call

        before, after = called("before"), called("after")
        return await delete_rows(session, self._table, keys, contract=self._contract, before=before, after=after)

    def of_links(self, table: str) -> "TableEffects":
        """What is called for the links that a table holds."""
        return TableEffects(self._contract, table, [each for each in self._own if each.name])

    def _of(self, table: str) -> "TableEffects":
        """What is called for rows that go along with this table's."""
        own = self._own if table == self._table else ()
        return TableEffects(self._contract, table, own, along=True)

    def _effect(self, name: str) -> Effect | None:
        return next((each for each in self._own if each.name == name), _registered.get(name))

    def _effects(self, action: Action) -> Iterator[Effect]:
        named = (self._effect(name) for name in dict.fromkeys(each.name for each in self._called(action)))
        yield from (each for each in named if each is not None)
        yield from (each for each in self._own if not each.name)

    def _called(self, action: Action) -> Iterator[_Called]:
        """Django's own functions, in its order: a model's method, then receivers."""
        facts = self._contract.tables.get(self._table)
        kinds = _OF_ACTION.get(action, _SAVES)
        # Of the rows of a many-to-many table that it has made by itself, Django tells nobody but of links.
        if facts is None or (facts.auto_created and kinds is not _LINKS):
            return
        for method in (each for each in facts.overrides if each in kinds and not self._along):
            name = f"{facts.model}.{method}"
            # It may do something at either time.
            yield _Called(name, f"{name} is your own", ())
        for receiver in facts.receivers:
            signal, _, name = receiver.partition(" ")
            if signal in kinds:
                # A receiver of links is called at either time, and mostly does something at one.
                times = () if kinds is _LINKS else ("before" if signal in _BEFORE else "after",)
                yield _Called(name, f"signal {receiver}", times)


def _missing(effect: Effect, called: _Called) -> Iterator[str]:
    """What a registered effect is called for, and has no function for; one without any says that nothing is needed."""
    given = {time for time in ("before", "after") if getattr(effect, time) is not None}
    if given:
        yield from (f"{called.text}: give Effect {time}=…" for time in called.times if time not in given)


async def _call(function: EffectFunction | None, session: RequestSession, write: RowWrite) -> None:
    made = None if function is None else function(session, write)
    if isawaitable(made):
        await made
