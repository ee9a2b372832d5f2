"""Rows as they may be shown: what is secret is masked."""

import json
from typing import Final

from strangler.compare.masking import MASK, MAX_LENGTH, Masker, is_secret
from strangler.compare.writes.changes import Values
from strangler.compare.writes.kinds import hash_parameters
from strangler.compare.writes.tables import Column, Table

_TEXTS: Final = "S"


def value_shown(column: Column, value: str | None, masker: Masker) -> str:
    """A value: a text in quotes, and of a salted hash how it was made, which is no secret."""
    if value is None:
        return "null"
    parameters = hash_parameters(value)
    if parameters is not None:
        return parameters
    if is_secret(column.name):
        return MASK
    text = masker.text(value)
    return _shortened(json.dumps(text, ensure_ascii=False) if column.category == _TEXTS else text)


def row_shown(table: Table, row: Values, masker: Masker) -> str:
    """A whole row in one line."""
    pairs = zip(table.columns, row, strict=True)
    return _shortened(", ".join(f"{column.name} {value_shown(column, value, masker)}" for column, value in pairs))


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"
