"""What leads from rows to others, as code: relations to several rows, from either end."""

from typing import Final

from strangler.adoption.scaffold.code import Code, call, dictionary, quoted, texts
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.serializer_facts import CountedLink, MatchedRows

_LINKS: Final = "strangler_fastapi.drf.links"
CALLER_ROWS: Final = "strangler_fastapi.drf.caller_rows"


class RowLinks:
    """Writes the links of rows of `model`; `tables` learns which columns they need, `imports` which names."""

    def __init__(self, model: str, table: str, tables: Tables, imports: dict[str, set[str]]) -> None:
        self._model = model
        self._table = table
        self._tables = tables
        self._imports = imports

    def many_to_many(self, name: str) -> Code:
        """The rows at the other end of the model's own relation of that name."""
        use_through(self._tables, self._table, name)
        return self._call("many_to_many", self._model, quoted(name))

    def pointing(self, table: str, field: str, *, is_one: bool = False) -> Code:
        """The rows of a table whose foreign key points at those of the model, or the one if it `is_one`."""
        column, facts = self._tables.column_of(table, field)
        target = self._tables.use(table, column)
        assert facts.references is not None  # noqa: S101 - a foreign key has them
        self._tables.use(facts.references.table, facts.references.column)
        for term in self._tables.facts(table).ordering:
            self._tables.follow(table, [term.removeprefix("-")])
        return self._call("one_to_one" if is_one else "one_to_many", self._model, target, quoted(facts.field))

    def other_end(self, owner: str, name: str) -> Code:
        """The rows of the table `owner` that are linked to those of the model by their relation of that name."""
        use_through(self._tables, owner, name)
        self._tables.use(self._table, *self._tables.facts(self._table).primary_key)
        target = self._tables.use(owner, *self._tables.facts(owner).primary_key)
        for term in self._tables.facts(owner).ordering:
            self._tables.follow(owner, [term.removeprefix("-")])
        return self._call("many_to_many_from", self._model, target, quoted(name))

    def counted(self, link: CountedLink) -> Code:
        """The rows that a number is about."""
        if link.other_end is not None:
            return self.other_end(link.other_end["table"], link.other_end["field"])
        if link.pointing is not None:
            return self.pointing(link.pointing["table"], link.pointing["field"])
        return self.many_to_many(link.source)

    def matching(self, rows: MatchedRows) -> Code:
        """The rows of another table that are found by the row, by the caller and by constants.

        :raises UnreadableError: they are about a column that can't be used.
        """
        target = self._tables.use(rows.table)
        equal: dict[str, Code] = {}
        constants: dict[str, Code] = {}
        for name, kind, value in rows.where:
            self._tables.compared(rows.table, name.split("__"))
            if kind == "row":
                self._tables.compared(self._table, value.split("__"))
            if name in {*equal, *constants}:
                raise UnreadableError(f"{name} is compared twice")
            if kind == "value":
                constants[name] = quoted(value)
            else:
                equal[name] = "CALLER" if kind == "caller" else quoted(value)
        for each in (*rows.ordering, *([rows.shown] if rows.shown else [])):
            self._tables.follow(rows.table, each.removeprefix("-").split("__"))
        self._imports.setdefault(CALLER_ROWS, set()).add("MatchingRows")
        if rows.by_caller:
            self._imports[CALLER_ROWS].add("CALLER")
        named = {"constants": dictionary(constants)} if constants else {}
        return call(
            "MatchingRows",
            target,
            dictionary(equal),
            **named,
            shown=quoted(rows.shown) if rows.shown else None,
            ordering=texts(rows.ordering) if rows.ordering else None,
        )

    def _call(self, name: str, *arguments: Code) -> Code:
        self._imports.setdefault(_LINKS, set()).add(name)
        return call(name, *arguments)


def use_through(tables: Tables, table: str, name: str) -> None:
    """Uses the tables of a many-to-many relation.

    :raises UnreadableError: the contract has none of that name, or its rows can't be written or ordered plainly.
    """
    facts = tables.facts(table).many_to_many.get(name)
    if facts is None:
        raise UnreadableError(f"{name} is the other end of a relation")
    if facts.symmetrical:
        raise UnreadableError(f"{name} is symmetrical")
    tables.use(facts.table, facts.source_column, facts.target_column)
    reference = tables.facts(facts.table).columns[facts.target_column].references
    assert reference is not None  # noqa: S101 - it points at the target
    tables.use(facts.target, reference.column)
    for term in tables.facts(facts.target).ordering:
        tables.follow(facts.target, [term.removeprefix("-")])
