"""When two types in PostgreSQL's spelling are the same, and when they hold the same kind of value."""

import re
from typing import Final

# Types that differ in size alone; of a view or another program's table a model seldom states it exactly.
_FAMILIES: Final = (
    ("character varying", "character", "text", "citext", "name"),
    ("smallint", "integer", "bigint"),
    ("real", "double precision", "numeric"),
    ("json", "jsonb"),
    ("timestamp with time zone", "timestamp without time zone"),
)
_FAMILY: Final = {name: family[0] for family in _FAMILIES for name in family}


def is_same(said: str, found: str) -> bool:
    """Whether a column of type `found` is what `said` asks for; where `said` names no schema, any will do."""
    return _unqualified(found) == _unqualified(said) if "." not in said else said == found


def is_alike(said: str, found: str) -> bool:
    """Whether both hold the same kind of value, of whatever size."""
    return _family(said) == _family(found)


def _unqualified(name: str) -> str:
    return re.sub(r'^("[^"]+"|\w+)\.', "", name).casefold()


def _family(name: str) -> tuple[str, bool]:
    base = re.sub(r"\([^)]*\)", "", _unqualified(name)).removesuffix("[]").strip()
    return _FAMILY.get(base, base), name.endswith("[]")
