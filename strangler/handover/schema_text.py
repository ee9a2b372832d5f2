"""A schema as pg_dump's text, in parts that can be compared: a table, an index, a foreign key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VERSION_TABLE: Final = "alembic_version"
_HEADER: Final = re.compile(r"^--\n-- Name: (.*?); Type: (.*?); Schema: (.*?); Owner:.*\n--\n", re.MULTILINE)
_END: Final = re.compile(r"\n--\n-- PostgreSQL database dump complete\n--\n\s*\Z")
# A session's settings, which begin a dump and stand before its tables.
_SETTING: Final = re.compile(r"^SET \w+ = .*;\n*", re.MULTILINE)

_LIST: Final = re.compile(r"\(ARRAY\[((?:[^\]']|'(?:[^']|'')*')*)\]\)::text\[\]")
_ITEM: Final = re.compile(r"('(?:[^']|'')*')::character varying")
_ITEM_AS_TEXT: Final = r"(\1::character varying)::text"


@dataclass(frozen=True)
class SchemaPart:
    """What one part of a dump makes."""

    kind: str
    schema: str
    name: str

    def __str__(self) -> str:
        where = "" if self.schema in ("-", "public") else f"{self.schema}."
        return f"{self.kind.lower()} {where}{self.name}"


def schema_parts(dump: str) -> dict[SchemaPart, str]:
    """The parts of a dump, with the SQL that makes each."""
    pieces = _HEADER.split(_END.sub("\n", dump))[1:]
    parts: dict[SchemaPart, str] = {}
    for name, kind, schema, body in zip(*(pieces[place::4] for place in range(4)), strict=True):
        part = SchemaPart(kind, schema, name)
        parts[part] = parts.get(part, "") + _SETTING.sub("", body).strip() + "\n"
    return parts


def schema_differences(
    expected: Mapping[SchemaPart, str], actual: Mapping[SchemaPart, str], *, sides: tuple[str, str]
) -> list[str]:
    """Sentences on what only one side has, or both have in another way; empty for equal schemas.

    `sides` are the names of the two in sentences: `Django's migrations`, `the live database`.
    """
    sentences = [f"only {sides[0]}: {part}" for part in expected if part not in actual]
    sentences += [f"only {sides[1]}: {part}" for part in actual if part not in expected]
    for part, text in expected.items():
        if part in actual and _canonical(actual[part]) != _canonical(text):
            lines, others = text.splitlines(), actual[part].splitlines()
            changed = [line.strip() for line in lines if line not in others][:1]
            instead = [line.strip() for line in others if line not in lines][:1]
            shown = " / ".join(f"{side}: {line}" for side, line in zip(sides, (*changed, *instead), strict=False))
            sentences.append(f"{part} differs ({shown or 'in the order of its lines'})")
    return sorted(sentences)


def _canonical(text: str) -> str:
    """A list of texts as PostgreSQL spells it when it has read its own spelling once; later it stays the same."""
    return _LIST.sub(lambda found: f"ARRAY[{_ITEM.sub(_ITEM_AS_TEXT, found[1])}]", text)
