"""A serializer as code of strangler_fastapi, with what of it can't be written."""

from dataclasses import dataclass, field
from typing import Final

from strangler.adoption.handler_facts import NestedWrites
from strangler.adoption.scaffold.code import Call, Code, Items, call, dictionary, quoted, statement
from strangler.adoption.scaffold.tables import snake
from strangler.adoption.serializer_facts import SerializerFacts

MODEL_FIELDS: Final = "strangler_fastapi.drf.fields.model_fields"
# The method of a serializer that an action calls once a body is validated.
_SAVES: Final = {"create": "create", "update": "update", "partial_update": "update"}


@dataclass
class WrittenSerializer:
    """A serializer as code; it shows what its rows are `annotated` with: numbers, `floats` among them, and `flags`.

    `reads` are the gaps of what it answers, `writes` those of what it takes, `methods` those of the project's own
    methods that take it. `taken` are the fields whose rows within are read from a body. `functions` are gaps by the
    names of functions that are to be filled in, `calculations` are functions of columns, and `within` the serializers
    in it; it `is_within` another itself. `rules` check several of its values together. `imports` are names of
    strangler_fastapi by module.
    """

    facts: SerializerFacts
    constant: str
    model: str
    title: str
    annotated: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    floats: frozenset[str] = frozenset()
    is_within: bool = False
    fields: dict[str, Code] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    methods: dict[str, str] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)
    calculations: list[str] = field(default_factory=list)
    rules: list[Code] = field(default_factory=list)
    within: list["WrittenSerializer"] = field(default_factory=list)
    imports: dict[str, set[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The class of Django's, as gaps name it."""
        return serializer_name(self.facts)

    def function_gaps(self) -> list[str]:
        """The gaps that functions fill in, those of the serializers within too."""
        return [*self.functions.values(), *(gap for each in self.within for gap in each.function_gaps())]

    def undescribed(self) -> list[str]:
        """What of rows within no body takes, so that OPTIONS, which describes them as if it did, says other things."""
        return [gap for each in self.within for gap in (*each.writes, *each.undescribed())]

    def write_gaps(self, action: str, *, is_saved: bool) -> list[str]:
        """The gaps of an action that takes it; with `is_saved` a function saves what was validated."""
        if action not in _SAVES:
            return []
        counts = [f"field {name}: Django's new row has none" for name in sorted(self.annotated) if action == "create"]
        why = "rows within are written, which DRF refuses, so Django fails with 500"
        refused = [f"field {name}: {why}" for name in self.taken]
        if self.facts.plain:
            refused.insert(0, f"serializer {self.name} saves no row by itself")
        return [*counts, *self.body_gaps(), *([] if is_saved else refused)]

    def body_gaps(self) -> list[str]:
        """The gaps of how a body is validated."""
        saving = _SAVES.values()
        return [*self.writes, *(gap for method, gap in self.methods.items() if method not in saving)]

    def saving_gap(self, action: str) -> str | None:
        """The project's own `create` or `update`, which an action calls; None where DRF's saves the row."""
        return self.methods.get(_SAVES.get(action, ""))

    def rows_saved(self, action: str) -> NestedWrites | None:
        """How an action's own method writes the rows within, if it was read, and these are all that a body may have."""
        method = _SAVES.get(action, "")
        found = self.facts.rows_within.get(method) if method in self.methods else None
        taken = {each.source for each in self.facts.fields if each.name in self.taken}
        return found if found is not None and taken == {*found.fields} else None

    def text(self) -> str:
        """The assignment of its constant."""
        codes = list(self.fields.values())
        columns = [code.arguments[1] for code in codes if isinstance(code, Call) and _is_plain(code)]
        value: Code = dictionary(self.fields)
        if codes and len(columns) == len(codes):
            self.imports[MODEL_FIELDS] = {"model_fields"}
            value = call("model_fields", self.model, *columns)
        rules = Items("()", tuple(self.rules)) if self.rules else None
        text = statement(self.constant, call("Serializer", quoted(self.title), value, rules=rules))
        if self.functions:
            self.imports |= {"collections.abc": {"Mapping"}, "typing": {"Any"}}
        functions = [*self.calculations, *(self._function(name, gap) for name, gap in self.functions.items())]
        return "\n\n{}\n\n{}".format("\n\n".join(functions), text) if functions else text

    def _function(self, name: str, gap: str) -> str:
        """A function to fill in, which gets the item that is answered."""
        item = snake(self.model)
        what = f"{self.facts.path.rpartition('.')[2]}, {gap}"
        head = f"@unported({quoted(what)})\ndef {name}({item}: Mapping[str, Any]) -> object:\n"
        field_name = gap.removeprefix("field ").partition(":")[0]
        return f'{head}    """What `{field_name}` is, of the other keys of an answer."""\n'


def serializer_name(facts: SerializerFacts) -> str:
    """The name of a serializer's class, without what all of them end with."""
    return facts.path.rpartition(".")[2].removesuffix("Serializer") or "Rows"


def _is_plain(code: Call) -> bool:
    return code.head == "model_field" and len(code.arguments) == 2
