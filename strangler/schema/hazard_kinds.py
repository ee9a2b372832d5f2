"""What may be unsafe while a service goes on, and which of squawk's rules say so.

Of squawk's rules those count that speak of locks, of rewritten tables and of what running clients would trip over.
Left out are its rules of taste (which type to prefer, how long a name may be), those that ask for statements that can
be repeated or for transactions, both of which are Django's business, those that ask for a `lock_timeout`, which is set
for the role that migrates and not in each migration, and those on what no table's client notices (a constraint that is
dropped, a column that may be null): whether FastAPI notices is judged by the catalogs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class HazardKind(StrEnum):
    """What is unsafe; advice on the mend is keyed by it, so a word stays as it is."""

    REWRITE = "rewrite"
    TYPE = "type"
    NOT_NULL = "not-null"
    FOREIGN_KEY = "foreign-key"
    UNIQUE = "unique"
    CHECK = "check"
    INDEX = "index"
    INDEX_DROP = "index-drop"
    PARTITION = "partition"
    REQUIRED = "required"
    RENAME_COLUMN = "rename-column"
    RENAME_TABLE = "rename-table"
    DROP_COLUMN = "drop-column"
    DROP_TABLE = "drop-table"
    TRUNCATE = "truncate"
    ROWS = "rows"
    UNREAD = "unread"


@dataclass(frozen=True)
class Hazard:
    """One thing that is unsafe online: where, which statement, and what happens, as a sentence."""

    kind: HazardKind
    table: str | None
    column: str | None
    sentence: str
    statement: str = ""
    rule: str = ""

    def __str__(self) -> str:
        return self.sentence


RULES: Final[Mapping[str, HazardKind]] = {
    "adding-field-with-default": HazardKind.REWRITE,
    "prefer-repack": HazardKind.REWRITE,
    "changing-column-type": HazardKind.TYPE,
    "adding-not-nullable-field": HazardKind.NOT_NULL,
    "adding-foreign-key-constraint": HazardKind.FOREIGN_KEY,
    "disallowed-unique-constraint": HazardKind.UNIQUE,
    "adding-serial-primary-key-field": HazardKind.UNIQUE,
    "constraint-missing-not-valid": HazardKind.CHECK,
    "ban-alter-domain-with-add-constraint": HazardKind.CHECK,
    "ban-create-domain-with-constraint": HazardKind.CHECK,
    "require-concurrent-index-creation": HazardKind.INDEX,
    "require-concurrent-reindex": HazardKind.INDEX,
    "require-concurrent-index-deletion": HazardKind.INDEX_DROP,
    "require-concurrent-partition-detach": HazardKind.PARTITION,
    "adding-required-field": HazardKind.REQUIRED,
    "ban-drop-default": HazardKind.REQUIRED,
    "renaming-column": HazardKind.RENAME_COLUMN,
    "renaming-table": HazardKind.RENAME_TABLE,
    "ban-set-schema": HazardKind.RENAME_TABLE,
    "ban-drop-column": HazardKind.DROP_COLUMN,
    "ban-drop-table": HazardKind.DROP_TABLE,
    "ban-drop-view": HazardKind.DROP_TABLE,
    "ban-truncate-cascade": HazardKind.TRUNCATE,
    "syntax-error": HazardKind.UNREAD,
}
SENTENCES: Final[Mapping[HazardKind, str]] = {
    HazardKind.REWRITE: "{table} is written anew{size}: nobody reads or writes it meanwhile.",
    HazardKind.TYPE: "{column} gets another type, so {table} is written anew{size}: nobody reads or writes it "
    "meanwhile.",
    HazardKind.NOT_NULL: "{column} becomes NOT NULL, so {table} is read from end to end{size}: nobody reads or writes "
    "it meanwhile, and one NULL fails the migration.",
    HazardKind.CHECK: "{table} gets a constraint that is checked for every row{size}: nobody writes it meanwhile, and "
    "one row that violates it fails the migration.",
    HazardKind.FOREIGN_KEY: "{table} gets a foreign key that is checked for every row{size}: nobody writes it or the "
    "table that it points at meanwhile.",
    HazardKind.UNIQUE: "{table} gets a unique constraint whose index is built{size}: nobody reads or writes it "
    "meanwhile, and one duplicate fails the migration.",
    HazardKind.INDEX: "an index of {table} is built{size}: nobody writes it meanwhile.",
    HazardKind.INDEX_DROP: "an index of {table} is dropped: it waits for every query on the table, and all others "
    "wait behind it.",
    HazardKind.PARTITION: "a partition of {table} is detached: nobody reads or writes it meanwhile.",
    HazardKind.REQUIRED: "{column} is NOT NULL without a default: each INSERT of a program that doesn't know it yet "
    "fails.",
    HazardKind.RENAME_COLUMN: "{column} is renamed: each program that runs asks for the old name until it is replaced.",
    HazardKind.RENAME_TABLE: "{table} is renamed: each program that runs asks for the old name until it is replaced.",
    HazardKind.DROP_COLUMN: "{column} is dropped: the Django that runs names every column, and fails until it is "
    "replaced.",
    HazardKind.DROP_TABLE: "{table} is dropped: each program that runs and asks for it fails until it is replaced.",
    HazardKind.TRUNCATE: "{table} is emptied, and every table that points at it.",
    HazardKind.ROWS: "{table} stays locked while RunPython of the same migration moves rows{size}: nobody writes it "
    "until that is done.",
    HazardKind.UNREAD: "squawk can't read a statement, so nobody knows what it locks.",
}
