"""Which table and column a statement of DDL is about, as far as a report needs to name them."""

import re
from typing import Final, NamedTuple

from shared_schema.catalog import Catalog, table_key

_IDENT: Final = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_NAME: Final = rf"(?P<name>{_IDENT}(?:\s*\.\s*{_IDENT})?)"
_IF: Final = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
_FORMS: Final = [
    (kind, re.compile(rf"\A\s*{words}\s+{_IF}{rest}{_NAME}", re.IGNORECASE))
    for kind, words, rest in (
        ("create", r"CREATE\s+(?:UNLOGGED\s+)?TABLE", ""),
        ("create", r"CREATE\s+MATERIALIZED\s+VIEW", ""),
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
_COLUMN: Final = re.compile(rf"\bCOLUMN\s+{_IF}(?P<name>{_IDENT})", re.IGNORECASE)


class Target(NamedTuple):
    """What a statement is about: the key of the table, a column of it, and whether the statement makes the table."""

    table: str | None
    column: str | None = None
    makes: bool = False


def target_of(statement: str, catalog: Catalog) -> Target:
    """The target in the words of `catalog`, which is from before the statement; nothing where it can't be told."""
    for kind, form in _FORMS:
        found = form.match(statement)
        if found is None:
            continue
        parts = [_plain(part) for part in re.findall(_IDENT, found["name"])]
        if kind == "index":
            return Target(_indexed(parts[-1], catalog))
        column = _COLUMN.search(statement)
        key = table_key(parts[0] if len(parts) > 1 else None, parts[-1], default=catalog.schema)
        return Target(key, _plain(column["name"]) if column else None, kind == "create")
    return Target(None)


def _indexed(index: str, catalog: Catalog) -> str | None:
    return next(
        (key for key, table in catalog.tables.items() if any(each.name == index for each in table.indexes)), None
    )


def _plain(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier.lower()
