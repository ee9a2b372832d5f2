from typing import Any

import pytest
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField
from django.contrib.postgres.indexes import GinIndex, PostgresIndex
from django.db import models
from django.db.models import Deferrable, F, Q
from django.db.models.functions import Lower

from tests.unit.strangler_django.contract.conftest import Facts

TWO = {"a": models.IntegerField(db_column="A b"), "b": models.TextField()}


class HnswIndex(PostgresIndex):
    """As an extension brings one along."""

    suffix = "hnsw"


def fields() -> dict[str, models.Field]:
    return {name: field.clone() for name, field in TWO.items()}


@pytest.mark.parametrize(
    ("index", "reported"),
    [
        (models.Index(fields=["-a", "b"], name="x"), {"columns": ["A b DESC", "b"]}),
        (models.Index(Lower("b").desc(), name="x"), {"definition": '(LOWER("b")) DESC'}),
        (models.Index(fields=["b"], name="x", include=["a"]), {"columns": ["b"], "include": ["A b"]}),
        (
            models.Index(fields=["b"], name="x", condition=Q(b__startswith="5%", a__gt=1)),
            {"columns": ["b"], "condition": r"""("A b" > 1 AND "b"::text LIKE  E'5\\%%')"""},
        ),
        (
            GinIndex(fields=["b"], name="x", opclasses=["gin_trgm_ops"]),
            {
                "columns": ["b"],
                "method": "gin",
                "opclasses": ["gin_trgm_ops"],
            },
        ),
        (HnswIndex(fields=["a"], name="x"), {"columns": ["A b"], "method": "hnsw"}),
    ],
)
def test_an_index_is_reported_by_its_columns_or_its_sql(
    index: models.Index, reported: dict[str, Any], facts: Facts
) -> None:
    (found,) = facts(fields(), indexes=[index])["indexes"]
    assert found == {"name": "x", **reported}


@pytest.mark.parametrize(
    ("field", "reported"),
    [
        (models.IntegerField(db_index=True), [{"columns": ["x"]}]),
        (models.IntegerField(unique=True), []),
        (models.IntegerField(unique=True, db_index=True), []),
        (models.TextField(unique=True), [{"columns": ["x"], "opclasses": ["text_pattern_ops"]}]),
        (
            models.CharField(max_length=3, db_index=True),
            [{"columns": ["x"]}, {"columns": ["x"], "opclasses": ["varchar_pattern_ops"]}],
        ),
        (models.CharField(max_length=3, db_index=True, db_collation="C"), [{"columns": ["x"]}]),
        (models.CharField(max_length=3), []),
    ],
)
def test_a_fields_own_indexes_have_no_name(field: models.Field, reported: list[dict[str, Any]], facts: Facts) -> None:
    assert facts({"x": field}).get("indexes", []) == reported


@pytest.mark.parametrize(
    ("rule", "reported"),
    [
        (
            models.UniqueConstraint(fields=["a"], name="x", condition=Q(a=1)),
            {"columns": ["A b"], "condition": '"A b" = 1'},
        ),
        (models.UniqueConstraint(fields=["a"], name="x", include=["b"]), {"columns": ["A b"], "include": ["b"]}),
        (models.UniqueConstraint(Lower("b"), name="x"), {"definition": '(LOWER("b"))'}),
        (
            models.UniqueConstraint(fields=["b"], name="x", opclasses=["text_pattern_ops"], nulls_distinct=True),
            {"columns": ["b"], "opclasses": ["text_pattern_ops"], "nulls_distinct": True},
        ),
    ],
)
def test_a_unique_rule_that_postgresql_has_an_index_for(
    rule: models.UniqueConstraint, reported: dict[str, Any], facts: Facts
) -> None:
    found = facts(fields(), constraints=[rule])
    assert found["indexes"] == [{"name": "x", "unique": True, **reported}]
    assert "constraints" not in found


@pytest.mark.parametrize(
    ("rule", "reported"),
    [
        (models.UniqueConstraint(fields=["b", "a"], name="x"), {"kind": "unique", "columns": ["b", "A b"]}),
        (
            models.UniqueConstraint(fields=["a"], name="x", deferrable=Deferrable.IMMEDIATE),
            {
                "kind": "unique",
                "columns": ["A b"],
                "deferrable": "immediate",
                "definition": 'UNIQUE ("A b") DEFERRABLE INITIALLY IMMEDIATE',
            },
        ),
        (
            models.UniqueConstraint(fields=["a"], name="x", nulls_distinct=False),
            {
                "kind": "unique",
                "columns": ["A b"],
                "nulls_distinct": False,
                "definition": 'UNIQUE NULLS NOT DISTINCT ("A b")',
            },
        ),
        (
            models.CheckConstraint(condition=Q(a__gt=F("id")) & ~Q(b="50%"), name="x"),
            {
                "kind": "check",
                "columns": ["A b", "b", "id"],
                "definition": """CHECK (("A b" > ("id") AND NOT ("b" = '50%')))""",
            },
        ),
        (
            models.CheckConstraint(condition=Q(pk__gt=0), name="x"),
            {"kind": "check", "columns": ["id"], "definition": 'CHECK ("id" > 0)'},
        ),
        (
            ExclusionConstraint(expressions=[("during", "&&")], name="x", deferrable=Deferrable.DEFERRED),
            {
                "kind": "exclusion",
                "columns": ["during"],
                "deferrable": "deferred",
                "definition": 'EXCLUDE USING GIST ("during" WITH &&) DEFERRABLE INITIALLY DEFERRED',
            },
        ),
    ],
)
def test_a_constraint_is_reported_by_what_it_says(rule: Any, reported: dict[str, Any], facts: Facts) -> None:
    (found,) = facts({**fields(), "during": DateRangeField()}, constraints=[rule])["constraints"]
    assert found == {"name": "x", **reported}


def test_what_django_and_postgresql_name_has_no_name(facts: Facts) -> None:
    found = facts({**fields(), "c": models.PositiveIntegerField()}, unique_together=[("b", "a")])["constraints"]
    assert found == [
        {"kind": "check", "columns": ["c"], "definition": 'CHECK ("c" >= 0)'},
        {"kind": "unique", "columns": ["b", "A b"]},
    ]


def test_of_a_table_that_django_does_not_manage_nothing_is_reported(facts: Facts) -> None:
    found = facts({"x": models.IntegerField(db_index=True)}, managed=False, unique_together=[("id", "x")])
    assert "indexes" not in found
    assert "constraints" not in found
