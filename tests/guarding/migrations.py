"""Random operations on the models and tables that are there."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from hypothesis import strategies as st

from shared_schema.catalog import Catalog, CatalogTable
from tests.guarding.schemas import COLUMNS, NAMES, Field, constraints, new_models, plain_fields, relations, with_facts
from tests.guarding.world import APP

# Types that a column may be turned into with a cast of PostgreSQL's own.
_OTHERS: tuple[tuple[type[Field], dict[str, Any]], ...] = (
    (models.CharField, {"max_length": 5}),
    (models.CharField, {"max_length": 40}),
    (models.CharField, {"max_length": 20, "db_collation": "C"}),
    (models.TextField, {}),
    (models.SmallIntegerField, {}),
    (models.IntegerField, {}),
    (models.PositiveIntegerField, {}),
    (models.BigIntegerField, {}),
    (models.DecimalField, {"max_digits": 8, "decimal_places": 2}),
    (models.DecimalField, {"max_digits": 8, "decimal_places": 3}),
    (models.DateField, {}),
    (models.DateTimeField, {}),
    (ArrayField, {"base_field": models.CharField(max_length=30)}),
    (ArrayField, {"base_field": models.TextField()}),
)


@st.composite
def operations(
    draw: st.DrawFn, state: ProjectState, catalog: Callable[[], Catalog], touched: frozenset[str]
) -> Operation:
    """Any operation, mostly on the tables that are `touched`, whether it breaks something or not."""
    made = [model for (app, _), model in sorted(state.models.items()) if app == APP]
    if not made or draw(st.integers(0, 3)) == 0:
        tables = catalog()
        wanted = sorted(touched.intersection(tables.tables)) or sorted(tables.tables)
        return migrations.RunSQL(draw(raw_sql(tables, wanted))) if wanted else draw(new_models("Elk", ()))
    wanted_models = [model for model in made if f"{APP}_{model.name.lower()}" in touched]
    model = draw(st.sampled_from(wanted_models if wanted_models and draw(st.integers(0, 3)) else made))
    return draw(draw(st.sampled_from(_KINDS))(model, tuple(sorted(each.name for each in made))))


@st.composite
def _add(draw: st.DrawFn, model: ModelState, models_there: tuple[str, ...]) -> Operation:
    field = draw(st.one_of(plain_fields(), plain_fields(), relations(models_there)))
    if not field.null and not field.has_default():
        # What makemigrations asks for once, to fill the rows that are there.
        field = draw(plain_fields(null=True))
    return migrations.AddField(model.name, f"new_{draw(st.integers(0, 2))}", field)


@st.composite
def _alter(draw: st.DrawFn, model: ModelState, models_there: tuple[str, ...]) -> Operation:
    name = draw(st.sampled_from([name for name in model.fields if name != "many"]))
    old = model.fields[name]
    if isinstance(old, models.ForeignKey):
        return migrations.AlterField(model.name, name, draw(relations(models_there)))
    changes: tuple[dict[str, Any], ...] = (
        {"null": not old.null},
        {"unique": not old.unique},
        {"db_index": not old.db_index},
        {"db_column": "moved"},
        {"db_default": models.NOT_PROVIDED},
        {"default": models.NOT_PROVIDED},
    )
    kind, facts = draw(st.sampled_from(_OTHERS))
    if name != "id" and draw(st.booleans()):
        return migrations.AlterField(model.name, name, draw(with_facts(kind, facts)))
    if name == "id":
        key = draw(
            st.sampled_from((models.BigAutoField, models.AutoField, models.BigIntegerField, models.IntegerField))
        )
        return migrations.AlterField(model.name, name, key(primary_key=True))
    _, _, arguments, options = old.deconstruct()
    options |= draw(st.sampled_from(changes))
    options = {option: value for option, value in options.items() if value is not models.NOT_PROVIDED}
    field = type(old)(*arguments, **options)
    if isinstance(old, models.CharField) and draw(st.booleans()):
        field = copy.copy(field)
        field.max_length = draw(st.sampled_from((3, 10, 30, 2000)))
    return migrations.AlterField(model.name, name, field)


@st.composite
def _remove(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    return migrations.RemoveField(model.name, draw(st.sampled_from(sorted(model.fields))))


@st.composite
def _rename(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    name = draw(st.sampled_from(sorted(model.fields)))
    return migrations.RenameField(model.name, name, draw(st.sampled_from(COLUMNS)))


@st.composite
def _rename_model(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    return migrations.RenameModel(model.name, draw(st.sampled_from(("Fox", "Gnu", *NAMES))))


@st.composite
def _alter_table(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    return migrations.AlterModelTable(model.name, draw(st.sampled_from(("zoo_moved", "zoo_ant", None))))


def _delete(model: ModelState, _: tuple[str, ...]) -> st.SearchStrategy[Operation]:
    return st.just(migrations.DeleteModel(model.name))


@st.composite
def _create(draw: st.DrawFn, _: ModelState, models_there: tuple[str, ...]) -> Operation:
    return draw(new_models("Elk", models_there))


@st.composite
def _index(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    return migrations.AddIndex(
        model.name, models.Index(fields=[draw(_plain(model))], name=f"i{draw(st.integers(0, 9))}")
    )


@st.composite
def _constrain(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    return migrations.AddConstraint(model.name, draw(constraints(model.name, [draw(_plain(model))])))


@st.composite
def _free(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    there = [each.name for each in model.options.get("constraints", [])]
    return migrations.RemoveConstraint(model.name, draw(st.sampled_from(there or ["none"])))


@st.composite
def _together(draw: st.DrawFn, model: ModelState, _: tuple[str, ...]) -> Operation:
    columns = sorted(set(draw(st.lists(_plain(model), max_size=2))))
    return migrations.AlterUniqueTogether(model.name, {tuple(columns)} if columns else set())


def _plain(model: ModelState) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(name for name in model.fields if name != "many"))


_KINDS = (
    *(_add, _alter, _alter, _alter, _alter, _remove, _rename, _constrain, _constrain, _free, _together),
    *(_rename_model, _alter_table, _delete, _create, _index),
)


@st.composite
def raw_sql(draw: st.DrawFn, catalog: Catalog, wanted: Sequence[str]) -> str:
    """What a project does that Django doesn't know of, to one of the tables that are `wanted`."""
    table = catalog.tables[draw(st.sampled_from(wanted))]
    other = draw(st.sampled_from(sorted(catalog.tables)))
    column, second = (draw(st.sampled_from(sorted(table.columns))) for _ in range(2))
    text = draw(st.sampled_from((*_STATEMENTS, *(_of_keys(table) if _keys(table) else ()))))
    number = draw(st.integers(0, 99))
    return text.format(
        t=f'"{table.schema}"."{table.name}"',
        c=f'"{column}"',
        d=f'"{second}"',
        o=f'"{other}"',
        n=number,
        r=f'"{table.name}"',
    )


def _keys(table: CatalogTable) -> list[Any]:
    return [found for found in table.constraints if found.kind == "foreign key"]


def _of_keys(table: CatalogTable) -> tuple[str, ...]:
    """Changes of the table's first foreign key."""
    key = _keys(table)[0]
    again = f'ALTER TABLE {{t}} DROP CONSTRAINT "{key.name}", ADD CONSTRAINT "{key.name}" {key.definition}'
    plain = again.replace(" DEFERRABLE INITIALLY DEFERRED", "")
    return (
        f'ALTER TABLE {{t}} ALTER CONSTRAINT "{key.name}" NOT DEFERRABLE',
        f'ALTER TABLE {{t}} DROP CONSTRAINT "{key.name}"',
        *(f"{plain} ON DELETE {action}" for action in ("CASCADE", "SET NULL", "RESTRICT")),
    )


_FUNCTION = "CREATE OR REPLACE FUNCTION f{n}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {{}} END $$;"
_TRIGGER = "CREATE TRIGGER t{n} {} ON {t} FOR EACH ROW EXECUTE FUNCTION f{n}()"


def _triggered(body: str, when: str) -> str:
    return _FUNCTION.replace("{{}}", body) + _TRIGGER.replace("{}", when)


_STATEMENTS = (
    "ALTER TABLE {t} ADD COLUMN raw{n} integer NOT NULL",
    "ALTER TABLE {t} ADD COLUMN raw{n} integer NOT NULL DEFAULT 3 UNIQUE",
    "ALTER TABLE {t} ADD COLUMN raw{n} integer NOT NULL DEFAULT 3 CHECK (raw{n} < 3) NOT VALID",
    "ALTER TABLE {t} ADD COLUMN raw{n} text GENERATED ALWAYS AS (coalesce({c}::text, '')) STORED",
    "ALTER TABLE {t} ADD COLUMN raw{n} uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
    "ALTER TABLE {t} ADD COLUMN raw{n} text UNIQUE NULLS NOT DISTINCT",
    "ALTER TABLE {t} RENAME {c} TO x{n}; ALTER TABLE {t} RENAME {d} TO {c}; ALTER TABLE {t} RENAME x{n} TO {d}",
    "ALTER TABLE {t} DROP {c}; ALTER TABLE {t} ADD {c} integer",
    "CREATE TABLE x{n} (LIKE {t} INCLUDING ALL); DROP TABLE {t} CASCADE; ALTER TABLE x{n} RENAME TO {r}",
    "ALTER TABLE {t} ADD CONSTRAINT nn{n} NOT NULL {c} NOT VALID",
    "ALTER TABLE {t} ALTER {c} SET NOT NULL",
    "ALTER TABLE {t} ALTER {c} DROP NOT NULL",
    "ALTER TABLE {t} ALTER {c} DROP DEFAULT",
    "ALTER TABLE {t} ALTER {c} SET DEFAULT '1'",
    "ALTER TABLE {t} ALTER {c} SET DEFAULT 'a longer text than many columns take'",
    "ALTER TABLE {t} ALTER {c} DROP IDENTITY",
    "ALTER TABLE {t} ALTER {c} SET GENERATED ALWAYS",
    'ALTER TABLE {t} ALTER {c} TYPE text COLLATE "C"',
    "ALTER TABLE {t} ADD CHECK ({c} IS NULL) NOT VALID",
    "ALTER TABLE {t} ADD EXCLUDE USING hash ({c} WITH =)",
    "ALTER TABLE {t} ADD FOREIGN KEY ({c}) REFERENCES {o} ON DELETE CASCADE",
    "ALTER TABLE {t} ADD FOREIGN KEY ({c}) REFERENCES {o} ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",
    "CREATE UNIQUE INDEX u{n} ON {t} ({c}) NULLS NOT DISTINCT",
    "CREATE UNIQUE INDEX u{n} ON {t} (lower({c}::text))",
    "CREATE UNIQUE INDEX u{n} ON {t} ({c}) WHERE id > 1",
    "CREATE INDEX i{n} ON {t} ({c}, id)",
    "CREATE SCHEMA attic{n}; ALTER TABLE {t} SET SCHEMA attic{n}",
    "ALTER TABLE {t} RENAME TO old{n}; CREATE VIEW {t} AS SELECT * FROM old{n}",
    "CREATE VIEW view{n} AS SELECT * FROM {t}",
    "CREATE OR REPLACE VIEW {t} AS SELECT * FROM {o}",
    "DROP VIEW {t}",
    "CREATE DOMAIN few{n} AS text CHECK (length(value) < 3); ALTER TABLE {t} ALTER {c} TYPE few{n}",
    "CREATE RULE r{n} AS ON DELETE TO {t} DO INSTEAD NOTHING",
    _triggered("RAISE EXCEPTION 'no';", "BEFORE INSERT"),
    _triggered("RAISE EXCEPTION 'no';", "AFTER UPDATE OR DELETE"),
    _triggered("INSERT INTO {o} DEFAULT VALUES; RETURN NEW;", "BEFORE INSERT"),
    _triggered("DELETE FROM {o}; RETURN OLD;", "BEFORE DELETE"),
    _triggered("UPDATE {o} SET {c} = NULL; RETURN NEW;", "BEFORE UPDATE"),
)
