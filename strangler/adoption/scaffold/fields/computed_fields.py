"""Fields that a property or a method of the project's own makes of columns, as code."""

from collections.abc import Iterable, Iterator
from typing import Final

from strangler.adoption.scaffold.code import LINE, Code, Items, call, laid_out, quoted
from strangler.adoption.scaffold.column_kinds import RANGES
from strangler.adoption.scaffold.fields.column_fields import SHOWN
from strangler.adoption.scaffold.fields.declared_fields import labels
from strangler.adoption.scaffold.fields.written_serializer import WrittenSerializer
from strangler.adoption.scaffold.links import CALLER_ROWS, RowLinks
from strangler.adoption.scaffold.tables import Tables, UnreadableError, snake
from strangler.adoption.serializer_facts import ComputedValue, SerializerField

COMPUTED: Final = "strangler_fastapi.drf.fields.computed_fields"
# Characters of a function that stand in one line.
_LONGEST: Final = 96


class ComputedFields:
    """Writes them; `tables` learns which columns they need. `users` is the table of callers that are identified."""

    def __init__(self, tables: Tables, users: str | None) -> None:
        self._tables = tables
        self._users = users

    def field(
        self,
        made: WrittenSerializer,
        table: str,
        each: SerializerField,
        value: ComputedValue,
        *,
        link: Code | None = None,
    ) -> Code:
        """A field that a property or a method of the project's own makes of columns, of each row of a `link` if any.

        :raises UnreadableError: it is about a column that can't be used.
        """
        if link is not None and (value.counts or value.matches):
            raise UnreadableError("numbers of rows of several rows")
        if value.by_caller and self._users is None:
            raise UnreadableError("the service can't tell callers apart")
        code = value.code if '"' in value.code else value.code.replace("'", '"')
        names = [*value.columns, *value.counts, *value.matches, *(["caller"] if value.caller else [])]
        function = f"lambda {', '.join(names)}: {code}"
        if len(function) > _LONGEST:
            function = f"{snake(made.title)}_{each.name}"
            made.calculations.append(_calculation(function, each, names, code))
            made.imports.setdefault("typing", set()).add("Any")
        for lookup in value.columns.values():
            if (facts := self._tables.follow(table, lookup.split("__"))).kind in RANGES:
                # Of another class than Django's.
                raise UnreadableError(f"a value that is made of a {facts.kind}")
        if not each.read_only:
            made.writes.append(f"field {each.name}: declared by itself")
        name = "ComputedField" if link is None else "ManyComputedField"
        made.imports.setdefault(COMPUTED, set()).add(name)
        if "Decimal(" in value.code:
            made.imports.setdefault("decimal", set()).add("Decimal")
        kind = SHOWN[each.kind][0] if each.kind in SHOWN and each.kind != "ReadOnlyField" else None
        shown = quoted(kind) if kind else None
        links = RowLinks(made.model, table, self._tables, made.imports)
        counted = [*map(links.counted, value.counts.values()), *map(links.matching, value.matches.values())]
        columns = Items("()", (*map(quoted, value.columns.values()), *counted, *self._caller_key(made, value)))
        return call(name, link=link, columns=columns, function=function, type=shown, **labels(each))

    def _caller_key(self, made: WrittenSerializer, value: ComputedValue) -> Iterator[Code]:
        """What stands for the key of the caller, where it is named."""
        if value.caller and self._users is not None:
            made.imports.setdefault(CALLER_ROWS, set()).add("CallerKey")
            yield call("CallerKey", self._tables.use(self._users))


def _calculation(name: str, each: SerializerField, columns: Iterable[str], code: str) -> str:
    """A function of columns that is too long for a lambda."""
    parameters = call(f"def {name}", *(f"{column}: Any" for column in columns))
    lines = [f"{laid_out(parameters, after=len(' -> Any:'))} -> Any:", f'    """What `{each.name}` is."""']
    lines += [f"    return {code}" if len(code) < LINE - len("    return ") else f"    return (\n        {code}\n    )"]
    return "\n".join(lines) + "\n"
