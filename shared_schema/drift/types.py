"""When two types in PostgreSQL's spelling are the same, and when they hold the same kind of value."""

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy.dialects.postgresql.base import PGDialect

from shared_schema.catalog import CatalogType

# Types that differ in size alone; of a view or another program's table a model seldom states it exactly.
_FAMILIES: Final = (
    ("character varying", "character", "text", "citext", "name"),
    ("smallint", "integer", "bigint"),
    ("real", "double precision", "numeric"),
    ("json", "jsonb"),
    ("timestamp with time zone", "timestamp without time zone"),
)
_FAMILY: Final = {name: family[0] for family in _FAMILIES for name in family}


def is_same(expected: str, actual: str) -> bool:
    """Whether the type `actual` equals `expected`; if `expected` has no schema, any schema matches."""
    return _unqualified(actual) == _unqualified(expected) if "." not in expected else expected == actual


def is_alike(expected: str, actual: str, types: Mapping[str, CatalogType]) -> bool:
    """Whether both hold the same kind of value, of whatever size; an enum of `types` is text to whoever uses it."""
    return _family(expected, types) == _family(actual, types)


def _unqualified(name: str) -> str:
    return re.sub(r'^("[^"]+"|\w+)\.', "", name).casefold()


def _family(name: str, types: Mapping[str, CatalogType]) -> tuple[str, bool]:
    base = re.sub(r"\([^)]*\)", "", _unqualified(name)).removesuffix("[]").strip()
    made = types.get(name.removesuffix("[]"))
    is_enum = made is not None and made.kind == "enum"
    return "character varying" if is_enum else _FAMILY.get(base, base), name.endswith("[]")


def python_name(name: str, types: Mapping[str, CatalogType]) -> str | None:
    """What a value is in Python, such as `int` or `datetime`; None where SQLAlchemy knows none.

    That is so of PostgreSQL's own types. `types` are those that somebody made.
    """
    if name.endswith("[]"):
        return "list"
    base = re.sub(r"\([^)]*\)", "", name).replace("  ", " ").strip()
    if (made := types.get(base)) is not None:
        return "str" if made.kind == "enum" else python_name(made.parts[0], types)
    known = PGDialect.ischema_names.get(_unqualified(base))
    if known is None:
        return None
    try:
        kind = known().python_type
    except NotImplementedError:
        return None
    # What SQLAlchemy 2.1 says of inet, jsonb, tsvector and the like.
    return None if kind is object else kind.__name__
