"""The steps that facts and a catalog lead to."""

from typing import Any

import pytest

from shared_schema.catalog import Catalog
from shared_schema.contract.checks import check_name
from strangler.handover.rules import on_delete_set
from strangler.handover.steps import StepPlan
from strangler.handover.table_steps import LiveFacts, SerialSequence, Violation, plan_steps
from tests import catalogs
from tests.handovers import column, contract_of, reference, validator

LONG = validator("MinLengthValidator", 3)
IDS = {"id": column("BigAutoField", "bigint", primary_key=True, identity="by default")}


def planned(
    facts: dict[str, Any], *, live: LiveFacts | None = None, without: tuple[str, ...] = (), **made: Any
) -> StepPlan:
    """The plan for a table `t` with a column `c`, and a table `w` that it may point at."""
    contract = contract_of(t={**IDS, "c": facts}, w=IDS)
    present = catalogs.column(facts["type"] + "?" * facts["null"], **made.pop("column", {}))
    tables = catalogs.catalog(catalogs.table("t", {"c": present}, **made), catalogs.table("w", {}))
    return plan_steps(contract, tables, live, without=without)


def statements(plan: StepPlan) -> list[str]:
    return [statement for action in plan.actions for statement in action.statements]


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (column("A", "boolean", default=False), "false"),
        (column("A", "integer", default=-3), "-3"),
        (column("A", "numeric(5,2)", default="9.90"), "9.90"),
        (column("A", "character varying(9)", default="it's"), "'it''s'"),
        (column("A", "text", default="", blank=True), "''"),
        (column("A", "date", default="2020-01-31"), "'2020-01-31'"),
        (column("A", "interval", default="P28DT1H"), "'28 days 3600.000000 seconds'"),
        (column("A", "uuid", default_callable="uuid.uuid4"), "gen_random_uuid()"),
        (column("A", "jsonb", default_callable="builtins.dict"), "'{}'"),
        (column("A", "timestamp with time zone", default_callable="django.utils.timezone.now"), "now()"),
        (column("A", "timestamp with time zone", auto_now=True), "now()"),
    ],
)
def test_a_default(facts: dict[str, Any], wanted: str) -> None:
    assert statements(planned(facts)) == [f'ALTER TABLE "public"."t" ALTER COLUMN "c" SET DEFAULT {wanted}']


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            column("A", "date", auto_now_add=True),
            "t.c is the day or time where Django runs",
        ),
        (column("A", "timestamp without time zone", auto_now=True), "t.c is the day or time where Django runs"),
        (column("A", "text", default_callable="shop.models.code"), "t.c is computed by shop.models.code"),
        (column("A", "bytea", default="00"), "t.c has a default of type bytea"),
        (column("A", "timestamp with time zone", auto_now=True), "t.c is written at each save by Django alone"),
        (column("A", "text", validators=[{"name": "shop.even"}]), "t.c is validated by shop.even, which SQL can't say"),
    ],
)
def test_what_is_not_kept(facts: dict[str, Any], sentence: str) -> None:
    assert any(each.startswith(sentence) for each in planned(facts).unkept)


def test_no_default_for_a_text_that_may_not_be_empty_or_for_what_is_there() -> None:
    assert planned(column("A", "text", default="")).steps == ()
    assert planned(column("A", "integer", default=1), column={"default": "7"}).steps == ()


KEY = catalogs.key("t_c_fk", "c", "w")


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (column("F", "bigint", references=reference("CASCADE", "w")), "CASCADE"),
        (column("F", "bigint", null=True, references=reference("SET_NULL", "w")), "SET NULL"),
        (column("F", "bigint", null=True, references=reference("SET_DEFAULT", "w")), "SET DEFAULT"),
    ],
)
def test_a_rule_keeps_the_name_and_the_timing(facts: dict[str, Any], rule: str) -> None:
    plan = planned(facts, constraints=(KEY,))
    wanted = f"FOREIGN KEY (c) REFERENCES w(id) ON DELETE {rule} DEFERRABLE INITIALLY DEFERRED"
    assert statements(plan) == [
        f'ALTER TABLE "public"."t" ADD CONSTRAINT "t_c_fk_handover" {wanted} NOT VALID',
        'ALTER TABLE "public"."t" VALIDATE CONSTRAINT "t_c_fk_handover"',
        'ALTER TABLE "public"."t" DROP CONSTRAINT "t_c_fk"',
        'ALTER TABLE "public"."t" RENAME CONSTRAINT "t_c_fk_handover" TO "t_c_fk"',
    ]
    there = catalogs.key("t_c_fk", "c", "w", f" ON DELETE {rule} DEFERRABLE INITIALLY DEFERRED")
    assert planned(facts, constraints=(there,)).steps == ()


@pytest.mark.parametrize("on_delete", ["PROTECT", "RESTRICT", "DO_NOTHING"])
def test_what_refuses_stays_as_it_is(on_delete: str) -> None:
    plan = planned(column("F", "bigint", references=reference(on_delete, "w")), constraints=(KEY,))
    assert plan == StepPlan(steps=())


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (reference("SET", "w", set_to=1), "t.c has SET(1): PostgreSQL refuses the delete instead"),
        (reference("SET", "w", set_to_callable="shop.heir"), "t.c has SET(shop.heir)"),
        (reference("CUSTOM", "w", set_to_callable="shop.archive"), "t.c has on_delete(shop.archive)"),
        (reference("SET_DEFAULT", "w"), "t.c has SET_DEFAULT and a default that PostgreSQL can't keep"),
    ],
)
def test_a_rule_that_is_not_kept(facts: dict[str, Any], sentence: str) -> None:
    plan = planned(column("F", "bigint", references=facts), constraints=(KEY,))
    assert plan.steps == ()
    assert [each.startswith(sentence) for each in plan.unkept] == [True]


def test_a_set_default_wants_its_default_first() -> None:
    facts = column("F", "bigint", default=1, references=reference("SET_DEFAULT", "w"))
    assert [step.kind for step in planned(facts, constraints=(KEY,)).steps] == ["defaults", "on delete"]
    assert planned(facts, constraints=(KEY,), without=("defaults",)).steps == ()


def test_a_key_without_a_constraint_is_djangos_alone() -> None:
    plan = planned(column("F", "bigint", references=reference("CASCADE", "w", constraint=False)))
    assert plan.unkept == ("t.c has no foreign key in the database: Django alone deletes along it",)


@pytest.mark.parametrize(
    ("definition", "wanted"),
    [
        (
            'FOREIGN KEY (a) REFERENCES "x ON DELETE CASCADE y"(id) ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE',
            'FOREIGN KEY (a) REFERENCES "x ON DELETE CASCADE y"(id) ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE',
        ),
        (
            "FOREIGN KEY (a) REFERENCES x(id) MATCH FULL NOT VALID",
            "FOREIGN KEY (a) REFERENCES x(id) MATCH FULL ON DELETE CASCADE NOT VALID",
        ),
        (
            'FOREIGN KEY (a) REFERENCES "x ON DELETE CASCADE y"(id)',
            'FOREIGN KEY (a) REFERENCES "x ON DELETE CASCADE y"(id) ON DELETE CASCADE',
        ),
    ],
)
def test_a_definition_gets_another_rule(definition: str, wanted: str) -> None:
    assert on_delete_set(definition, "CASCADE") == wanted


@pytest.mark.parametrize(
    ("facts", "expression"),
    [
        (column("A", "text", choices=["a", "b"]), "\"c\"::text IN ('a', 'b')"),
        (column("A", "text", choices=["a", None], blank=True), "\"c\"::text IN ('a', '')"),
        (column("A", "integer", choices=[1, 2], default=7), '"c" IN (1, 2, 7)'),
        (column("A", "integer", validators=[validator("MinValueValidator", 1)]), '"c" >= 1'),
        (column("A", "integer", validators=[validator("MaxValueValidator", 9)]), '"c" <= 9'),
        (column("A", "text", validators=[LONG]), 'length("c") >= 3'),
        (
            column("A", "text", blank=True, validators=[LONG]),
            'length("c") >= 3 OR "c" = \'\'',
        ),
        (column("A", "text", validators=[validator("MaxLengthValidator", 9)]), 'length("c") <= 9'),
    ],
)
def test_a_check(facts: dict[str, Any], expression: str) -> None:
    plan = planned(facts, without=("defaults",))
    assert [step.title for step in plan.steps] == [f"t CHECK {expression}"]
    added, validated = statements(plan)
    assert added.endswith(f"CHECK ({expression}) NOT VALID")
    assert "VALIDATE CONSTRAINT" in validated


def test_no_check_where_one_is_or_rows_break_it_or_a_limit_is_called() -> None:
    facts = column("A", "integer", validators=[validator("MinValueValidator", 0)])
    present = catalogs.check("anything", "CHECK ((c >= 0))", "c")
    assert planned(facts, constraints=(present,)).steps == ()
    broken = LiveFacts(violations={"t_c_min": Violation(count=2, keys=("4", "5"))})
    assert planned(facts, live=broken).unkept == (
        "CHECK t_c_min is left out, 2 rows of t would break it, such as t 4 and 5",
    )
    called = column("A", "integer", validators=[validator("MinValueValidator", {"callable": "shop.least"})])
    assert planned(called).steps == ()


def test_a_long_name_is_cut_and_stays_its_own() -> None:
    names = {check_name("t" * 40, f"{'c' * 30}{end}", "choices") for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


def test_a_serial_becomes_an_identity_in_one_transaction() -> None:
    serial = SerialSequence(schema="public", name="t_id_seq", options="AS bigint", grants=("GRANT x",))
    contract = contract_of(t=IDS)
    table = catalogs.table("t", {"id": catalogs.column("bigint", default="nextval('t_id_seq'::regclass)")})
    made = Catalog({"t": table})
    (action,) = plan_steps(contract, made, LiveFacts(serials={("t", "id"): serial})).actions
    assert "ADD GENERATED BY DEFAULT AS IDENTITY" in action.statements[2]
    assert action.statements[-1] == "GRANT x"
    assert plan_steps(contract, made).unkept == ("t.id takes its numbers from a sequence that isn't its own: it stays",)


def test_the_checksum_is_of_the_statements() -> None:
    one, other = (planned(column("A", "integer", default=value)) for value in (1, 2))
    assert one.checksum == planned(column("A", "integer", default=1)).checksum != other.checksum


def test_tables_that_django_does_not_manage_are_left_alone() -> None:
    contract = contract_of(t={**IDS, "c": column("A", "integer", default=1)})
    facts = contract.tables["t"].model_copy(update={"managed": False})
    unmanaged = contract.model_copy(update={"tables": {"t": facts}})
    made = Catalog({"t": catalogs.table("t", {"c": catalogs.column("integer")})})
    assert plan_steps(unmanaged, made).steps == ()
