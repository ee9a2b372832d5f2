"""What to do instead: expand, migrate, contract, in the words of Django's migrations.

Each step is deployed before the next begins, and `strangler schema guard` checks each migration by itself.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from strangler.schema.compatibility.breaks import BreakKind


class HazardKind(StrEnum):
    """What is unsafe online; the steps of the remedy are keyed by it, so a value never changes."""

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
    REPACK = "repack"
    SEQUENCE = "sequence"
    UNREAD = "unread"


# Each step begins with the phase that it belongs to.
_SWITCH: Final = "migrate: let FastAPI do without it, export its consumer file, deploy it, and run the guard again."
_FILL: Final = "migrate: fill the rows that are there in batches: RunPython in a migration with atomic = False."
_STATE: Final = (
    "contract: take it out of Django first: SeparateDatabaseAndState(state_operations=[…]), and deploy Django."
)
_NEW_COLUMN: Final = (
    "expand: AddField for a second column beside {where}, nullable or with a db_default.",
    "migrate: write both, in Django's services or by a trigger (RunSQL), then fill the new one in batches: RunPython "
    "in a migration with atomic = False.",
    "migrate: let FastAPI read and write the new one, export its consumer file, deploy it, and run the guard again.",
    _STATE,
    "contract: drop the old column in a later migration: RunSQL('ALTER TABLE … DROP COLUMN …').",
)
_NOT_NULL: Final = (
    "expand: let every version that runs, Django's and FastAPI's, write no NULL to {where}; a db_default helps.",
    _FILL,
    "migrate: AddConstraintNotValid(…, CheckConstraint(condition=Q({column}__isnull=False), …)), from "
    "django.contrib.postgres.operations: new rows are checked, old ones not yet.",
    "migrate: ValidateConstraint(…) in a migration of its own: reads and writes aren't blocked.",
    "contract: AlterField(null=False), then RemoveConstraint: PostgreSQL trusts the constraint and scans no rows.",
)
_REQUIRED: Final = (
    "expand: give {where} a db_default (or null=True), so that an INSERT that doesn't name it still works.",
    "migrate: deploy the versions of Django and FastAPI that write it.",
    "contract: take the db_default away in a later migration, once no older version runs.",
)
_DROP: Final = (
    "expand: give {where} null=True or a db_default, so that an INSERT may leave it out.",
    _SWITCH,
    _STATE,
    "contract: drop it in a later migration: RunSQL('ALTER TABLE … DROP COLUMN …').",
)
_DROP_TABLE: Final = (
    _SWITCH,
    _STATE,
    "contract: drop {where} in a later migration: RunSQL('DROP TABLE …').",
)
_RENAME: Final = (
    "expand: rename it in Python only, and no other step is needed: db_column='{column}' on the renamed field changes "
    "nothing in the database. Else:",
    *_NEW_COLUMN,
)
_RENAME_TABLE: Final = (
    "expand: rename the model in Python only, and no other step is needed: Meta.db_table = '{table}' changes nothing "
    "in the database. Else:",
    "expand: make a second table (CreateModel), and write both.",
    "migrate: let FastAPI read and write the new one, export its consumer file, deploy it, and run the guard again.",
    _STATE,
    "contract: drop {table} in a later migration: RunSQL('DROP TABLE …').",
)
_CONSTRAINT: Final = (
    "expand: let every version that runs, Django's and FastAPI's, write only what it will allow.",
    "migrate: AddConstraintNotValid(…), from django.contrib.postgres.operations: new rows are checked, old ones not.",
    "contract: correct the rows that violate it, then ValidateConstraint(…) in a migration of its own.",
)
_UNIQUE: Final = (
    "expand: build the index alone, in a migration with atomic = False: RunSQL('CREATE UNIQUE INDEX CONCURRENTLY …').",
    "contract: SeparateDatabaseAndState(state_operations=[AddConstraint(UniqueConstraint(…))], database_operations="
    "[RunSQL('ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX …')]).",
)
_ACCEPT: Final = (
    "expand: let FastAPI accept {where} as it will be, and deploy it.",
    "contract: then migrate, and run the guard again with the consumer file of the version that runs.",
)

_STEPS: Final[Mapping[BreakKind | HazardKind, tuple[str, ...]]] = {
    BreakKind.TABLE_GONE: _DROP_TABLE,
    BreakKind.TABLE_CHANGED: _ACCEPT,
    BreakKind.COLUMN_GONE: _DROP,
    BreakKind.COLUMN_ADDED: ("expand: let FastAPI name its columns instead of *, and deploy it.", "contract: migrate."),
    BreakKind.TYPE_CHANGED: _NEW_COLUMN,
    BreakKind.VALUE_CHANGED: _NEW_COLUMN,
    BreakKind.COLLATION_CHANGED: _NEW_COLUMN,
    BreakKind.NARROWED: _CONSTRAINT,
    BreakKind.MAY_BE_NULL: _ACCEPT,
    BreakKind.MUST_BE_GIVEN: _REQUIRED,
    BreakKind.MAY_NOT_BE_NULL: _NOT_NULL,
    BreakKind.DEFAULT_GONE: (
        "expand: let every INSERT of FastAPI give {where} a value, and deploy it.",
        "contract: take the db_default away in a later migration.",
    ),
    BreakKind.NOT_WRITABLE: (
        "expand: let FastAPI leave {where} out of what it writes, and deploy it.",
        "contract: then migrate, and run the guard again.",
    ),
    BreakKind.NEW_CONSTRAINT: _CONSTRAINT,
    BreakKind.UNIQUE_GONE: (
        _SWITCH,
        "contract: remove the constraint once no ON CONFLICT of a running version needs it.",
    ),
    BreakKind.FOREIGN_KEY_CHANGED: _ACCEPT,
    BreakKind.TRIGGER_CHANGED: _ACCEPT,
    HazardKind.REWRITE: (
        "expand: AddField(null=True) without a default, which rewrites nothing.",
        "expand: AlterField with the db_default: it holds for new rows only.",
        *_NOT_NULL[1:],
    ),
    HazardKind.TYPE: _NEW_COLUMN,
    HazardKind.NOT_NULL: _NOT_NULL,
    HazardKind.CHECK: _CONSTRAINT[1:],
    HazardKind.FOREIGN_KEY: (
        "expand: add the field with db_constraint=False.",
        "migrate: RunSQL('ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY … DEFERRABLE INITIALLY DEFERRED NOT VALID').",
        "contract: RunSQL('ALTER TABLE … VALIDATE CONSTRAINT …') in a migration of its own, and db_constraint=True by "
        "SeparateDatabaseAndState(state_operations=[AlterField(…)]).",
    ),
    HazardKind.UNIQUE: _UNIQUE,
    HazardKind.INDEX: (
        "expand: AddIndexConcurrently(…), from django.contrib.postgres.operations, alone in a migration with "
        "atomic = False; an index of db_index=True becomes one of Meta.indexes first.",
    ),
    HazardKind.INDEX_DROP: (
        "contract: RemoveIndexConcurrently(…), from django.contrib.postgres.operations, alone in a migration with "
        "atomic = False.",
    ),
    HazardKind.PARTITION: (
        "contract: RunSQL('ALTER TABLE … DETACH PARTITION … CONCURRENTLY') in a migration with atomic = False.",
    ),
    HazardKind.REQUIRED: _REQUIRED,
    HazardKind.RENAME_COLUMN: _RENAME,
    HazardKind.RENAME_TABLE: _RENAME_TABLE,
    HazardKind.DROP_COLUMN: _DROP,
    HazardKind.DROP_TABLE: _DROP_TABLE,
    HazardKind.TRUNCATE: ("contract: delete the rows that may go in batches, where no other table points at them.",),
    HazardKind.REPACK: (
        "contract: leave it out of the migrations: pg_repack does it online; else choose an hour without traffic.",
    ),
    HazardKind.SEQUENCE: (
        "expand: let the migration set it beyond the rows: RunSQL(\"SELECT setval(pg_get_serial_sequence('{table}', "
        "'{column}'), max({column})) FROM {table}\").",
    ),
    HazardKind.ROWS: (
        "migrate: put what goes through rows into a migration of its own, in batches, with atomic = False.",
    ),
    HazardKind.UNREAD: ("expand: look up what the statement locks: PostgreSQL's manual, Explicit Locking.",),
}


def steps_for(kind: BreakKind | HazardKind, *, table: str | None, column: str | None) -> tuple[str, ...]:
    """The steps to take instead of a change that breaks or is unsafe, in order; each begins with its phase."""
    where = f"{table}.{column}" if column else table or "it"
    # Not str.format: a name may hold braces.
    names = {"{where}": where, "{table}": table or "the table", "{column}": column or "the column"}
    placeholder = re.compile("|".join(map(re.escape, names)))
    return tuple(placeholder.sub(lambda match: names[match[0]], step) for step in _STEPS[kind])
