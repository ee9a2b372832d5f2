"""What Django calls when rows are written, as functions to be filled in: `effects.py` of a feature."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared_schema.contract.contract import Contract
from shared_schema.contract.deletion_plan import DeletionPlans
from strangler.adoption.scaffold.code import Code, Items, call, quoted, statement
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import snake
from strangler.adoption.serializer_facts import SerializerFacts

_WRITES: Final = {"create": "save", "update": "save", "partial_update": "save", "assign": "save", "destroy": "delete"}
_TIMES: Final = {"pre": "before", "post": "after"}


@dataclass(frozen=True)
class WrittenEffect:
    """One of Django's functions: its name in the contract, how a gap names it, and when it is called (`Effect`)."""

    name: str
    gap: str
    times: tuple[str, ...]

    @property
    def function(self) -> str:
        """What its counterpart is called, unless another is called so."""
        *_, owner, name = self.name.split(".")
        return snake(f"{owner}_{name}") if self.is_method else name

    @property
    def is_method(self) -> bool:
        """Whether it is a method of a model."""
        return self.gap.endswith(" is your own")


def effects_of(
    contract: Contract, table: str, actions: Collection[str], serializer: SerializerFacts | None = None
) -> list[WrittenEffect]:
    """The functions that Django calls when these actions write rows of a table, and the links that a body says."""
    facts = contract.tables.get(table)
    found: dict[str, WrittenEffect] = {}

    def add(receiver: str, time: str) -> None:
        name = receiver.partition(" ")[2]
        known = found[name].times if name in found else ()
        gap = found[name].gap if name in found else f"signal {receiver}"
        found[name] = WrittenEffect(name, gap, tuple(dict.fromkeys((*known, time))))

    for kind in dict.fromkeys(_WRITES[action] for action in actions if action in _WRITES):
        for method in facts.overrides if facts else ():
            if method == kind and facts:
                name = f"{facts.model}.{method}"
                found[name] = WrittenEffect(name, f"{name} is your own", ("before",))
        for receiver in facts.receivers if facts else ():
            time, _, what = receiver.partition(" ")[0].partition("_")
            if what == kind:
                add(receiver, _TIMES[time])
    for receiver in facts.receivers if facts else ():
        # One that other writes call at another time, too, is one effect all the same, which has to be whole.
        time, _, what = receiver.partition(" ")[0].partition("_")
        if receiver.partition(" ")[2] in found and what in _WRITES.values():
            add(receiver, _TIMES[time])
    saves = any(_WRITES.get(action) == "save" for action in actions)
    for links in serializer.links(facts) if serializer and facts and saves else ():
        for receiver in contract.tables[links].link_receivers if links in contract.tables else ():
            add(receiver, "after")
    return list(found.values())


def gaps_along(contract: Contract, table: str) -> Iterator[str]:
    """What Django calls for rows of other tables that are deleted along with a table's."""
    for plan in DeletionPlans(contract).collected(table):
        if plan.name != table:
            yield from (each.gap for each in effects_of(contract, plan.name, ("destroy",)) if not each.is_method)


def effects_text(feature: str, package: str, named: Sequence[tuple[str, Sequence[WrittenEffect]]]) -> str | None:
    """The module; `named` are the effects of each resource by the name of their constant; None where there are none."""
    module = Module(f"What else Django does when {feature.replace('_', ' ')} are written.", package)
    functions: dict[str, str] = {}
    for constant, effects in named:
        codes: list[Code] = []
        for effect in effects:
            if effect.name not in functions:
                functions[effect.name] = _free(effect.function, functions.values())
                module.add("", _function_text(effect, functions[effect.name]))
            made = dict.fromkeys(effect.times, functions[effect.name])
            codes.append(call("Effect", quoted(effect.name), **made))
        module.add("", statement(constant, Items("()", tuple(codes))))
    if not functions:
        return None
    module.use("strangler_fastapi.db.session", "RequestSession")
    module.use("strangler_fastapi.drf.unported", "unported")
    module.use("strangler_fastapi.effects", "Effect", "RowWrite")
    return module.text()


def _function_text(effect: WrittenEffect, name: str) -> str:
    when = " and ".join(effect.times)
    head = f"@unported({quoted(effect.gap)})\nasync def {name}(session: RequestSession, write: RowWrite) -> None:\n"
    return f'{head}    """What `{effect.name}` does, {when} rows are written."""\n'


def _free(name: str, taken: Collection[str]) -> str:
    names = (name, *(f"{name}_{number}" for number in range(2, 100)))
    return next(each for each in names if each not in taken)
