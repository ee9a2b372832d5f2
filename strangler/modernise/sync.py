"""Columns of a table that hold one value: the trigger that keeps them equal, whichever a statement writes."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from shared_schema.catalog import SYNC_TRIGGER
from strangler.handover.steps import literal, quoted
from strangler.modernise.stages import FUNCTION_PREFIX

# Texts, names in quotes, and names that are no function, no type of a cast and no collation.
_WORD: Final = re.compile(
    r"""'(?:[^']|'')*' | (?P<quoted>"(?:[^"]|"")+")(?!\s*\() | (?:::|\bCOLLATE\s)\s*[\w".]+ """
    r"""| (?P<bare>[^\W\d][\w$]*)(?![\w$]|\s*\() | [^\W\d][\w$]*""",
    re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True)
class Half:
    """A column, and the expression that makes its value of the columns on the other side, which it names.

    A column that PostgreSQL gives its `default` also where the other side was given has not been given itself. One
    that is `required` has a value in every row in the end; without one it was not reached yet.
    """

    name: str
    type: str
    made: str
    default: str | None = None
    required: bool = False

    @property
    def value(self) -> str:
        """What is made, of the column's type."""
        return f"({self.made})::{self.type}"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The columns `base` and `shadow` of a table, which hold one value: mostly one column each.

    PostgreSQL fills the base where an INSERT gives neither, so that a value of the shadow is always a statement's own.
    """

    schema: str
    table: str
    name: str
    base: tuple[Half, ...]
    shadow: tuple[Half, ...]

    @property
    def sql(self) -> str:
        """The table as SQL."""
        return quoted(self.schema, self.table)

    @property
    def function(self) -> str:
        """The trigger's function as SQL."""
        return quoted(self.schema, f"{FUNCTION_PREFIX}{self.name}")

    @property
    def trigger(self) -> str:
        """The trigger as SQL."""
        return quoted(f"{SYNC_TRIGGER}{self.name}")

    @property
    def base_names(self) -> tuple[str, ...]:
        """The names of the base."""
        return tuple(half.name for half in self.base)

    def turned(self) -> "Pair":
        """The same columns, the others filled by PostgreSQL."""
        return replace(self, base=self.shadow, shadow=self.base)

    def renamed(self, names: Mapping[str, str]) -> "Pair":
        """The same columns under other names."""

        def of(half: Half) -> Half:
            made = names_replaced(half.made, lambda name: names.get(name, name))
            return replace(half, name=names.get(half.name, half.name), made=made)

        return replace(self, base=tuple(map(of, self.base)), shadow=tuple(map(of, self.shadow)))

    @property
    def assignment(self) -> str:
        """What gives the shadow the value of the base."""
        return ", ".join(f"{quoted(half.name)} = {half.value}" for half in self.shadow)

    @property
    def sides(self) -> tuple[str, str]:
        """The shadow as the base makes it, and as it is."""
        if len(self.shadow) == 1:
            return self.shadow[0].value, quoted(self.shadow[0].name)
        return f"ROW({_values(self.shadow)})", f"ROW({_columns(self.shadow)})"

    @property
    def differs(self) -> str:
        """The rows in which they are not one value, also where the way from one to the other loses something."""
        return f"NOT ({self._agree()})"

    @property
    def loses(self) -> str:
        """The rows whose base can't be made of the shadow again."""
        return f"NOT ({_same(_columns(self.base), _values(self.base))})"

    def probes(self) -> Iterator[tuple[str, str, str]]:
        """For each column its name, its expression, and a query that fails if that isn't one of the other side."""
        for halves, others in ((self.shadow, self.base), (self.base, self.shadow)):
            given = ", ".join(f"NULL::{other.type} AS {quoted(other.name)}" for other in others)
            for half in halves:
                query = f"SELECT {half.value} FROM (SELECT {given}) AS {quoted(self.table)}"  # noqa: S608 - a person's own
                yield half.name, half.made, query

    def function_sql(self, *, replaced: bool = False) -> str:
        """The function; `replaced` where there is one already."""
        row = replace(self, base=_of_row(self, self.base, self.shadow), shadow=_of_row(self, self.shadow, self.base))
        base, shadow = (
            " and ".join(f"{self.table}.{half.name}" for half in halves) for halves in (self.base, self.shadow)
        )
        both = f"{base} and {shadow} are one value, and a statement gives them two"
        return f"""CREATE {"OR REPLACE " if replaced else ""}FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql AS $strangler$
#variable_conflict use_column
BEGIN
    IF {self._agree("NEW.", row)} THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF {" AND ".join(map(_is_absent, self.shadow))} THEN
            {_assigned(row.shadow)}
        ELSE
            {_assigned(row.base)}
        END IF;
    ELSIF {_same(_columns(self.shadow, "NEW."), _columns(self.shadow, "OLD."))} THEN
        {_assigned(row.shadow)}
    ELSIF {_same(_columns(self.base, "NEW."), _columns(self.base, "OLD."))} THEN
        {_assigned(row.base)}
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = {literal(both)};
    END IF;
    RETURN NEW;
END
$strangler$"""  # noqa: E501 - one line of SQL

    def trigger_sql(self) -> str:
        """The trigger; PostgreSQL fires triggers by their names, so that what others change comes before."""
        names = ", ".join(literal(half.name) for half in (*self.base, *self.shadow))
        return (
            f"CREATE TRIGGER {self.trigger} BEFORE INSERT OR UPDATE ON {self.sql} "
            f"FOR EACH ROW EXECUTE FUNCTION {self.function}({names})"
        )

    def drop_sql(self) -> tuple[str, str]:
        """What removes trigger and function."""
        return f"DROP TRIGGER {self.trigger} ON {self.sql}", f"DROP FUNCTION {self.function}()"

    def _agree(self, of: str = "", made: "Pair | None" = None) -> str:
        base, shadow = (made or self).base, (made or self).shadow
        forth = _same(_columns(shadow, of), _values(shadow))
        if self._is_copy:
            return forth
        back = _same(_columns(base, of), _values(base))
        reached = "".join(f" AND {of}{quoted(half.name)} IS NOT NULL" for half in shadow if half.required)
        return f"{forth} OR ({back}{reached})"

    @property
    def _is_copy(self) -> bool:
        return [half.made for half in (*self.shadow, *self.base)] == [
            quoted(half.name) for half in (*self.base, *self.shadow)
        ]


def names_replaced(text: str, name_of: Callable[[str], str], values: Mapping[str, str] | None = None) -> str:
    """SQL with each name of a column as `name_of` gives it, or as SQL in `values`; texts, functions and types stay."""

    def of(found: re.Match[str]) -> str:
        word = found["quoted"] or found["bare"]
        if word is None:
            return found[0]
        name = word[1:-1].replace('""', '"') if found["quoted"] else word.lower()
        if values and name in values:
            return values[name]
        wanted = name_of(name)
        return word if wanted == name else quoted(wanted)

    return _WORD.sub(of, text)


def _of_row(pair: Pair, halves: tuple[Half, ...], others: tuple[Half, ...]) -> tuple[Half, ...]:
    """The halves as a trigger makes them, of the row that it is given."""
    given = ", ".join(f"NEW.{quoted(other.name)} AS {quoted(other.name)}" for other in others)

    def made(half: Half) -> str:
        if half.made in {quoted(other.name) for other in others}:
            return f"NEW.{half.made}"
        return f"SELECT {half.made} FROM (SELECT {given}) AS {quoted(pair.table)}"  # noqa: S608 - quoted names

    return tuple(replace(half, made=made(half)) for half in halves)


def _is_absent(half: Half) -> str:
    """Whether an INSERT has left a column to PostgreSQL."""
    given = f"NEW.{quoted(half.name)}"
    return f"{given} IS NULL" if half.default is None else _same(given, f"({half.default})::{half.type}")


def _columns(halves: Iterable[Half], of: str = "") -> str:
    return ", ".join(f"{of}{quoted(half.name)}" for half in halves)


def _values(halves: Iterable[Half]) -> str:
    return ", ".join(half.value for half in halves)


def _assigned(halves: Iterable[Half]) -> str:
    return " ".join(f"NEW.{quoted(half.name)} := {half.value};" for half in halves)


def _same(one: str, other: str) -> str:
    """Whether two lists of expressions have the same bytes: equal words of citext, or 1.0 and 1.00, have not."""
    return f"ROW({one})::record *= ROW({other})::record"
