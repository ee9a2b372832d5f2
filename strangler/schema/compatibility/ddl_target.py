"""Which table and column a DDL statement changes, read from its text; empty where that is unclear."""

# Regular expressions instead of a parser: sqlglot (MIT) parses 11 of 22 kinds of DDL in migrations as an opaque command
# (VALIDATE, DETACH, USING INDEX, REINDEX, CLUSTER); pglast parses all of them, but is GPL-3.0-or-later, which a tool
# that is installed into other services can't depend on. Decisive are the catalogs, replays and rewrites anyway.

import re
from typing import Final, NamedTuple

from shared_schema.catalog import Catalog, table_key
from strangler.schema.compatibility.sql_text import part_at, uncommented

_IDENT: Final = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
# U&"\0061" and other spellings that aren't read here are unclear.
_QUALIFIED: Final = rf"(?P<name>{_IDENT}(?:\s*\.\s*{_IDENT})?)(?![\w$&])"
_IF: Final = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
_FORMS: Final = [
    (kind, re.compile(rf"\A\s*{words}\s+{_IF}{rest}{_QUALIFIED}", re.IGNORECASE))
    for kind, words, rest in (
        ("table", r"CREATE\s+(?:UNLOGGED\s+)?TABLE", ""),
        ("table", r"CREATE\s+MATERIALIZED\s+VIEW", ""),
        ("table", r"ALTER\s+(?:FOREIGN\s+)?TABLE", ""),
        ("table", r"(?:ALTER|DROP)\s+(?:MATERIALIZED\s+)?VIEW", ""),
        ("table", r"DROP\s+(?:FOREIGN\s+)?TABLE", ""),
        ("table", r"TRUNCATE(?:\s+TABLE)?", ""),
        ("table", r"(?:REINDEX\s+TABLE|CLUSTER|VACUUM\s+FULL)", ""),
        (
            "table",
            r"CREATE\s+(?:UNIQUE\s+)?INDEX(?:\s+CONCURRENTLY)?",
            rf"(?:(?!ON\b){_IDENT}\s+)?ON\s+(?:ONLY\s+)?",
        ),
        ("index", r"DROP\s+INDEX(?:\s+CONCURRENTLY)?", ""),
        ("index", r"REINDEX\s+INDEX", ""),
    )
]
_ALTERS: Final = re.compile(r"\A\s*ALTER\b", re.IGNORECASE)
_COLUMN: Final = re.compile(
    r"[\s*]*(?:ADD|ALTER|DROP|RENAME)\s+(?:COLUMN\s+|(?!(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE|NOT|TO)\b))"
    rf"{_IF}(?P<name>{_IDENT})",
    re.IGNORECASE,
)


class DdlTarget(NamedTuple):
    """The key of the table that a DDL statement changes, and a column of it."""

    table: str | None
    column: str | None = None


def target_of(statement: str, catalog: Catalog, *, at: int = 0) -> DdlTarget:
    """The target by its key in `catalog`, which is from before the statement; empty where it is unclear.

    `at` is the place in the statement that is spoken of: an ALTER TABLE may have several actions.
    """
    statement = uncommented(statement)
    for kind, form in _FORMS:
        match = form.match(statement)
        if match is None:
            continue
        parts = [_plain(part) for part in re.findall(_IDENT, match["name"])]
        if kind == "index":
            return DdlTarget(_indexed(parts[-1], catalog))
        action = part_at(statement, match.end(), at) if _ALTERS.match(statement) else ""
        column = _COLUMN.match(action)
        key = table_key(parts[0] if len(parts) > 1 else None, parts[-1], default=catalog.schema)
        return DdlTarget(key, _plain(column["name"]) if column else None)
    return DdlTarget(None)


def _indexed(index: str, catalog: Catalog) -> str | None:
    return next((key for key, table in catalog.tables.items() if any(own.name == index for own in table.indexes)), None)


def _plain(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier.lower()
