"""The mapped classes that a service needs: which tables, and which of their columns."""

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import GenericAlias, MappingProxyType
from typing import Any

from shared_schema.contract.contract import ColumnFacts, Contract, ReferenceFacts, TableFacts
from shared_schema.contract.values import python_type
from strangler.adoption.scaffold.column_kinds import is_compared

# Where each type of an annotation comes from.
_MODULES = {
    "Any": "typing",
    "Decimal": "decimal",
    "UUID": "uuid",
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
}


class UnreadableError(Exception):
    """What the scaffold can't write; the text says what of Django's it is."""


class Tables:
    """Tables by key, with the columns that code was written for.

    `classes` are the names of those that the service has already, by the names of their tables.
    """

    def __init__(self, contract: Contract, classes: Mapping[str, str] = MappingProxyType({})) -> None:
        self._contract = contract
        self._classes = classes
        self._columns: dict[str, set[str]] = {}
        counts = Counter(map(_model_name, contract.tables.values()))
        self._shared = frozenset(name for name, count in counts.items() if count > 1)

    def facts(self, table: str) -> TableFacts:
        """The contract's facts.

        Raises:
            UnreadableError: it has none.
        """
        facts = self._contract.tables.get(table)
        if facts is None:
            raise UnreadableError(f"table {table} is not in the contract")
        return facts

    def use(self, table: str, *columns: str) -> str:
        """The name of the table's class, which has these columns and the key from now on.

        Raises:
            UnreadableError: the contract has no such table, its rows have no key of one column, or Python makes other
                values of those that a column holds.
        """
        facts = self.facts(table)
        if facts.parents:
            raise UnreadableError(f"model {facts.model} is kept in several tables")
        wanted = {*columns, *facts.primary_key}
        for column in (facts.columns[name] for name in sorted(wanted & facts.columns.keys())):
            # A path names a row by its key, with which it is compared.
            if own := column.read_by or (column.written_by if column.primary_key else ()):
                raise UnreadableError(f"values of {facts.model}.{column.field} are made by {own[0]}")
        if len(facts.primary_key) != 1:
            raise UnreadableError(f"model {facts.model} has a key of several columns")
        self._columns.setdefault(table, set()).update(wanted)
        return self.class_name(facts)

    def class_name(self, facts: TableFacts) -> str:
        """A class bears the name of Django's model, after that of its app where several apps have such a model."""
        name = _model_name(facts)
        app = pascal(facts.model.rpartition(".")[0]) if name in self._shared else ""
        return self._classes.get(facts.name, f"{app}{name}")

    def class_names(self) -> set[str]:
        """Those of all tables of the contract: a class such as `BMI` is spelled as constants are."""
        return set(map(self.class_name, self._contract.tables.values()))

    def column_of(self, table: str, field: str) -> tuple[str, ColumnFacts]:
        """The column of Django's field of that name, or of a column's own name; `pk` is the key.

        Raises:
            UnreadableError: there is none.
        """
        for name, facts in self.facts(table).columns.items():
            if field in (facts.field, name) or (field == "pk" and facts.primary_key):
                return name, facts
        raise UnreadableError(f"{self.facts(table).model} has no column {field}")

    def attribute_of(self, table: str, field: str) -> str:
        """The attribute of the table's class that stands for a field, or for a column of that name.

        Raises:
            UnreadableError: there is none.
        """
        return attribute_name(self.column_of(table, field)[0])

    def follow(self, table: str, path: Iterable[str]) -> ColumnFacts:
        """The column at the end of a path of foreign keys; all tables on the way are used.

        Raises:
            UnreadableError: the path leads elsewhere.
        """
        *steps, last = path
        for step in steps:
            name, reference = self._reference(table, step)
            self.use(table, name)
            table = reference.table
            self.use(table, reference.column)
        name, facts = self.column_of(table, last)
        self.use(table, name)
        return facts

    def compared(self, table: str, path: Iterable[str], lookup: str = "exact") -> ColumnFacts:
        """The same of a column with which a value is compared by that lookup.

        Raises:
            UnreadableError: the path leads elsewhere, or Python makes another value of that.
        """
        facts = self.follow(table, path)
        if facts.written_by:
            raise UnreadableError(f"values of {facts.field} are compared by {facts.written_by[0]}")
        if not is_compared(facts, lookup):
            raise UnreadableError(f"a value is compared with a {facts.kind} by {lookup}")
        return facts

    def table_at(self, table: str, path: Iterable[str]) -> str:
        """The table that a path of foreign keys leads to.

        Raises:
            UnreadableError: the path leads elsewhere.
        """
        for step in path:
            _, reference = self._reference(table, step)
            table = reference.table
        return table

    def _reference(self, table: str, field: str) -> tuple[str, ReferenceFacts]:
        """The column of a foreign key, and what it refers to."""
        name, facts = self.column_of(table, field)
        if facts.references is None:
            raise UnreadableError(f"{field} is no foreign key")
        return name, facts.references

    def used(self) -> Iterator[tuple[TableFacts, list[tuple[str, ColumnFacts]]]]:
        """Each table with its columns, in the contract's order but the key first."""
        for table in sorted(self._columns):
            facts = self.facts(table)
            columns = [(name, facts.columns[name]) for name in facts.columns if name in self._columns[table]]
            yield facts, sorted(columns, key=lambda each: not each[1].primary_key)


def _model_name(facts: TableFacts) -> str:
    """The name of Django's model as that of a class; `Item_labels` is `ItemLabels`."""
    return pascal(facts.model.rpartition(".")[2])


def attribute_name(column: str) -> str:
    """A column's own name, or one like it where that is none of Python's."""
    name = re.sub(r"\W", "_", column)
    name = name if name.isidentifier() else f"column_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def annotation(facts: ColumnFacts) -> str:
    """What a column's attribute is annotated with, without `Mapped`."""
    kind = python_type(facts.type)
    name = "Any" if kind is None else _spelled(kind)
    return f"{name} | None" if facts.null else name


def imports_of(annotations: Iterable[str]) -> dict[str, set[str]]:
    """The names that annotations need, by module."""
    needed: dict[str, set[str]] = {}
    for text in annotations:
        for word in re.findall(r"\w+", text):
            if word in _MODULES:
                needed.setdefault(_MODULES[word], set()).add(word)
    return needed


def pascal(name: str) -> str:
    """`Item_labels` as a class's name: `ItemLabels`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def identifier(name: str, taken: Collection[str] = ()) -> str:
    """A name in small letters that Python takes for a module or a variable; none of its own, nor one that is taken."""
    name = name if name.isidentifier() or keyword.iskeyword(name) else f"api_{name}"
    return f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) or name in taken else name


def snake(name: str) -> str:
    """`ItemLabels` in small letters: `item_labels`."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parts.lower()).strip("_")


def _spelled(kind: Any) -> str:  # noqa: ANN401 - a type, or a list of one
    if isinstance(kind, GenericAlias):
        return f"list[{_spelled(kind.__args__[0])}]"
    return str(kind.__name__)
