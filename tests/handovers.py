"""A small schema as Django makes it, its contract, and the handover of it, for tests that need no Django."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from shared_schema.contract.contract import Contract
from strangler.databases.connections import Source, identity_of
from strangler.databases.dumping import schema_dump
from strangler.handover.execution import LockPatience
from strangler.handover.handover import HandoverIntent, handover_apply
from strangler.handover.journal import HandoverEntry, HandoverFolder
from strangler.handover.live import plan_for
from strangler.handover.plan import Handover, HandoverPlan
from strangler.handover.rehearsal import RehearsalSubject, StepChoice
from strangler.schema.django_side import ManageCommand
from tests.databases import OwnDatabase, empty_database
from tests.example import example_settings

INTENT = HandoverIntent(command="handover apply")
# As Django before 4.1 makes the ids of tables.
SCHEMA = """
    CREATE TABLE "Writers" (id serial PRIMARY KEY, name varchar(50) NOT NULL);
    CREATE TABLE notes (
        id bigserial PRIMARY KEY, kind varchar(9) NOT NULL, stars integer NOT NULL CHECK (stars >= 0),
        slug varchar(20) NOT NULL, open boolean NOT NULL, made timestamptz NOT NULL, heir_id integer,
        writer_id integer NOT NULL CONSTRAINT notes_writer_fk REFERENCES "Writers" (id) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT notes_heir_fk FOREIGN KEY (heir_id) REFERENCES "Writers" (id) DEFERRABLE INITIALLY DEFERRED
    );
    CREATE INDEX notes_slug_like ON notes (slug varchar_pattern_ops);
    INSERT INTO "Writers" (name) VALUES ('Ann'), ('Bob');
    INSERT INTO notes (kind, stars, slug, open, made, writer_id, heir_id) VALUES
        ('draft', 1, 'one', true, now(), 1, 2), ('final', 5, 'two', false, now(), 2, NULL);
"""
INSERT = "INSERT INTO notes (kind, stars, slug, writer_id) VALUES ('draft', 2, 'new', %s) RETURNING id, open"

INSERT_WHOLE = """
    INSERT INTO notes (kind, stars, slug, open, made, writer_id) VALUES ('draft', 2, 'new', true, now(), 1) RETURNING id
"""


def column(kind: str, type_name: str, **facts: Any) -> dict[str, Any]:
    return {"field": "a", "kind": kind, "type": type_name, "null": False} | facts


def reference(on_delete: str, table: str = "Writers", **facts: Any) -> dict[str, Any]:
    return {"table": table, "column": "id", "on_delete": on_delete} | facts


def validator(name: str, limit: Any) -> dict[str, Any]:
    return {"name": f"django.core.validators.{name}", "arguments": {"limit_value": limit}}


def contract_of(**tables: dict[str, dict[str, Any]]) -> Contract:
    """A contract of these tables by name, each with its columns."""
    facts = {name: {"name": name, "model": f"shop.{name}", "columns": columns} for name, columns in tables.items()}
    return Contract.model_validate({"format": 2, "tables": facts})


CONTRACT = contract_of(
    Writers={
        "id": column("AutoField", "integer", primary_key=True, identity="by default"),
        "name": column("CharField", "character varying(50)", default=""),
    },
    notes={
        "id": column("BigAutoField", "bigint", primary_key=True, identity="by default"),
        "kind": column("CharField", "character varying(9)", default="", choices=["draft", "final"]),
        "stars": column(
            "PositiveIntegerField",
            "integer",
            validators=[validator("MinValueValidator", 0), validator("MaxValueValidator", 5)],
        ),
        "slug": column("SlugField", "character varying(20)", validators=[validator("MinLengthValidator", 2)]),
        "open": column("BooleanField", "boolean", default=True),
        "made": column("DateTimeField", "timestamp with time zone", auto_now_add=True),
        "writer_id": column("ForeignKey", "integer", references=reference("CASCADE")),
        "heir_id": column("ForeignKey", "integer", null=True, references=reference("SET_NULL")),
    },
)


@dataclass(frozen=True)
class SmallHandover:
    """The database, and its handover without a Django beside it."""

    database: OwnDatabase
    handover: Handover

    def plan(self, **options: Any) -> HandoverPlan:
        """The plan, not rehearsed."""
        steps, skipped = plan_for(self.database.owner_dsn, CONTRACT, **options)
        return HandoverPlan(steps=steps, choice=StepChoice(skipped=skipped, **options))

    def apply(self, plan: HandoverPlan | None = None) -> HandoverEntry:
        plan = plan or self.plan()
        return handover_apply(self.handover, plan, checksum=plan.checksum, intent=INTENT)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the owner; returns the rows of the last."""
        with psycopg.connect(self.database.owner_dsn, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)  # type: ignore[call-overload] # a test's own
            return cursor.fetchall() if cursor.description else []

    def schema(self) -> str:
        """The whole schema as text, but for rights."""
        return schema_dump(self.database.superuser_dsn, major=18)


def database_source(database: OwnDatabase) -> Source:
    """A database of a test's as what is handed over; its owner stands for FastAPI's role too."""
    return Source(
        settings=example_settings(),
        owner_dsn=database.owner_dsn,
        fastapi_dsn=database.owner_dsn,
        admin_dsn=database.superuser_dsn,
        secrets={},
        name=database.name,
        identity=identity_of(database.owner_dsn),
    )


@contextmanager
def small_handover(*, admin_dsn: str, name: str, folder: Path, schema: str = SCHEMA) -> Iterator[SmallHandover]:
    with empty_database(admin_dsn=admin_dsn, name=name) as database:
        source = database_source(database)
        no_django = ManageCommand(argv=("false",), env={}, cwd=folder)
        handover = Handover(
            subject=RehearsalSubject(source=source, project=no_django, contract=CONTRACT),
            folder=HandoverFolder(folder / "state"),
            alembic=folder / "alembic",
            variable="DATABASE_URL",
            patience=LockPatience(timeout=0.1, tries=2),
        )
        made = SmallHandover(database, handover)
        made.run(schema)
        yield made
