"""Two columns of a table that hold one value: the trigger that keeps them equal, whichever a statement writes."""

import re
from collections.abc import Callable, Mapping
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
class Pair:
    """The columns `base` and `shadow` of a table, and the SQL that makes the value of one from the other.

    PostgreSQL fills the base where an INSERT gives neither, so that a value of the shadow is always a statement's own.
    `to_shadow` is an expression of the base, `to_base` one of the shadow; both name the column as it is.
    """

    schema: str
    table: str
    name: str
    base: str
    shadow: str
    base_type: str
    shadow_type: str
    to_shadow: str
    to_base: str

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

    def turned(self) -> "Pair":
        """The same columns, the other one filled by PostgreSQL."""
        return replace(
            self,
            base=self.shadow,
            shadow=self.base,
            base_type=self.shadow_type,
            shadow_type=self.base_type,
            to_shadow=self.to_base,
            to_base=self.to_shadow,
        )

    def renamed(self, names: dict[str, str]) -> "Pair":
        """The same columns under other names."""

        def of(text: str) -> str:
            return names_replaced(text, lambda name: names.get(name, name))

        base, shadow = (names.get(name, name) for name in (self.base, self.shadow))
        return replace(self, base=base, shadow=shadow, to_shadow=of(self.to_shadow), to_base=of(self.to_base))

    @property
    def assignment(self) -> str:
        """What gives the shadow the value of the base."""
        return f"{quoted(self.shadow)} = ({self.to_shadow})::{self.shadow_type}"

    @property
    def differs(self) -> str:
        """The rows in which they are not one value, also where the way from one to the other loses something."""
        return f"NOT ({self._agree('', self.to_shadow, self.to_base)})"

    @property
    def loses(self) -> str:
        """The rows whose base can't be made of the shadow again."""
        return f"NOT ({_same(quoted(self.base), f'({self.to_base})::{self.base_type}')})"

    def function_sql(self, *, replaced: bool = False) -> str:
        """The function; `replaced` where there is one already."""
        to_shadow = self._of_row(self.to_shadow, self.base)
        to_base = self._of_row(self.to_base, self.shadow)
        base, shadow = quoted(self.base), quoted(self.shadow)
        both = f"{self.table}.{self.base} and {self.table}.{self.shadow} are one value, and a statement gives them two"
        return f"""CREATE {"OR REPLACE " if replaced else ""}FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql AS $strangler$
#variable_conflict use_column
BEGIN
    IF {self._agree("NEW.", to_shadow, to_base)} THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.{shadow} IS NULL THEN
            NEW.{shadow} := ({to_shadow})::{self.shadow_type};
        ELSE
            NEW.{base} := ({to_base})::{self.base_type};
        END IF;
    ELSIF {_same(f"NEW.{shadow}", f"OLD.{shadow}")} THEN
        NEW.{shadow} := ({to_shadow})::{self.shadow_type};
    ELSIF {_same(f"NEW.{base}", f"OLD.{base}")} THEN
        NEW.{base} := ({to_base})::{self.base_type};
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = {literal(both)};
    END IF;
    RETURN NEW;
END
$strangler$"""  # noqa: E501 - one line of SQL

    def trigger_sql(self) -> str:
        """The trigger; PostgreSQL fires triggers by their names, so that what others change comes before."""
        return (
            f"CREATE TRIGGER {self.trigger} BEFORE INSERT OR UPDATE ON {self.sql} "
            f"FOR EACH ROW EXECUTE FUNCTION {self.function}({literal(self.base)}, {literal(self.shadow)})"
        )

    def drop_sql(self) -> tuple[str, str]:
        """What removes trigger and function."""
        return f"DROP TRIGGER {self.trigger} ON {self.sql}", f"DROP FUNCTION {self.function}()"

    def _agree(self, of: str, to_shadow: str, to_base: str) -> str:
        base, shadow = f"{of}{quoted(self.base)}", f"{of}{quoted(self.shadow)}"
        forth = _same(shadow, f"({to_shadow})::{self.shadow_type}")
        if self._is_copy:
            return forth
        return f"{forth} OR {_same(base, f'({to_base})::{self.base_type}')}"

    @property
    def _is_copy(self) -> bool:
        return (self.to_shadow, self.to_base) == (quoted(self.base), quoted(self.shadow))

    def _of_row(self, expression: str, column: str) -> str:
        if expression == quoted(column):
            return f"NEW.{quoted(column)}"
        return f"SELECT {expression} FROM (SELECT NEW.{quoted(column)} AS {quoted(column)}) AS {quoted(self.table)}"  # noqa: S608 - as above


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


def _same(one: str, other: str) -> str:
    """Whether two expressions of one type have the same bytes: equal words of citext, or 1.0 and 1.00, have not."""
    return f"ROW({one})::record *= ROW({other})::record"
