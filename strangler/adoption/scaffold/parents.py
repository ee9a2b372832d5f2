"""The rows of other tables that a resource's rows belong to, as arguments of a Resource."""

from collections.abc import Iterator, Sequence
from typing import Final

from strangler.adoption.list_facts import CreationFacts, ParentFacts, ValidatedRow
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.code import Code, Items, call, dictionary, quoted
from strangler.adoption.scaffold.conditions import RowConditions
from strangler.adoption.scaffold.tables import Tables, UnreadableError

_MODULE: Final = "strangler_fastapi.drf.parents"


class RowParents:
    """Writes those of the rows of `table`; `imports` learns which names they need."""

    def __init__(
        self, table: str, tables: Tables, authenticators: Authenticators, imports: dict[str, set[str]]
    ) -> None:
        self._table = table
        self._tables = tables
        self._authenticators = authenticators
        self._imports = imports

    def codes(self, of_rows: Sequence[ParentFacts], creation: CreationFacts | None) -> Iterator[Code]:
        """Each, of rows that are read, and of new ones.

        :raises UnreadableError: one is found in a way that can't be written.
        """
        attributes = self._attributes(creation) if creation else {}
        of_new = [*enumerate(creation.parents)] if creation else []
        left = [*of_rows]
        for number, each in of_new:
            sought = self._code(each, None, None)
            same = next((place for place, row in enumerate(left) if self._code(row, None, None) == sought), None)
            yield from (self._code(row, None, "rows") for row in left[: same or 0])
            left = left if same is None else left[same + 1 :]
            is_first = creation is not None and creation.precedes_body
            yield self._code(each, attributes.get(number), "new" if same is None else None, is_first=is_first)
        yield from (self._code(row, None, "rows") for row in left)

    def rule(self, validated: ValidatedRow) -> Code:
        """What a serializer's `validate` does about one.

        :raises UnreadableError: as above.
        """
        self._imports.setdefault(_MODULE, set()).add("ParentRule")
        refused = validated.refused
        said = dictionary({name: quoted(text) for name, text in refused.items()}) if isinstance(refused, dict) else None
        return call(
            "ParentRule",
            self._code(validated.row, None, None),
            refused=quoted(refused) if isinstance(refused, str) else said,
            of_new="True" if validated.of_new else None,
        )

    def value(self, field: str, parent: ParentFacts) -> Code:
        """One whose key a field of a row gets.

        :raises UnreadableError: as above; or the field leads elsewhere.
        """
        self._attribute(field, parent)
        return self._code(parent, None, None)

    def _attributes(self, creation: CreationFacts) -> dict[int, str]:
        """The attributes of a new row that lead to parents, by the number of each."""
        found: dict[int, str] = {}
        for field, number in creation.fields.items():
            if number in found:
                raise UnreadableError(f"several fields lead to one {creation.parents[number].model.name}")
            found[number] = self._attribute(field, creation.parents[number])
        return found

    def _attribute(self, field: str, parent: ParentFacts) -> str:
        """The attribute of a row that leads to a parent."""
        column, facts = self._tables.column_of(self._table, field)
        of, points = self._tables.facts(parent.model.table), facts.references
        if points is None or points.table != of.name or (points.column,) != tuple(of.primary_key):
            raise UnreadableError(f"{field} is no key of its {parent.model.name}")
        self._tables.use(self._table, column)
        return self._tables.attribute_of(self._table, column)

    def _code(self, parent: ParentFacts, attribute: str | None, before: str | None, *, is_first: bool = False) -> Code:
        table, name = parent.model.table, parent.model.name
        if parent.queryset.narrowed or parent.queryset.annotations:
            raise UnreadableError(f"{name} is looked for where the queryset has {_others(parent)}")
        if parent.elsewhere:
            raise UnreadableError(f"rows of {', '.join(parent.elsewhere)}")
        model = self._tables.use(table)
        conditions = RowConditions(model, table, self._tables, self._imports)
        where = tuple(map(conditions.code, parent.queryset.where))
        self._imports.setdefault(_MODULE, set()).add("Parent")
        if not parent.http404:
            self._imports.setdefault("strangler_fastapi.errors", set()).add("NotFound")
        is_proxy = self._tables.facts(table).model != parent.model.label
        return call(
            "Parent",
            model,
            dictionary({self._compared(table, path): quoted(each) for path, each in parent.within.items()}),
            attribute=quoted(attribute) if attribute else None,
            owner=quoted(self._owner(table, parent.owner)) if parent.owner else None,
            where=Items("()", where, prefix="lambda: ") if where else None,
            before=quoted(before) if before else None,
            precedes_body="True" if is_first else None,
            detail=quoted(parent.detail) if parent.detail else None,
            raises=None if parent.http404 else "NotFound",
            model_name=quoted(name) if is_proxy else None,
        )

    def _compared(self, table: str, path: str) -> str:
        """The attribute that a parameter of the path is compared with; one of another row is a path."""
        self._tables.compared(table, path.split("__"))
        return path if "__" in path else self._tables.attribute_of(table, path)

    def _owner(self, table: str, path: str) -> str:
        *way, last = path.split("__")
        self._tables.follow(table, path.split("__"))
        self._authenticators.caller_column(self._tables.table_at(table, way), last)
        return path if way else self._tables.attribute_of(table, path)


def failing(parents: Sequence[ParentFacts]) -> Iterator[str]:
    """What is answered otherwise than by Django, where one isn't there."""
    for each in parents:
        if each.fails:
            yield f"where there is no {each.model.name}, Django fails with 500, and FastAPI answers 404"


def _others(parent: ParentFacts) -> str:
    return ", ".join((*parent.queryset.narrowed, *parent.queryset.annotations))
