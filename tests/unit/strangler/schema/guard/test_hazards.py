"""Which of squawk's remarks count, and what the rehearsal proves against them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from shared_schema.catalog import Catalog, CatalogColumn, CatalogConstraint, CatalogIndex, CatalogTable
from strangler.schema.compatibility.breaks import BreakKind
from strangler.schema.compatibility.ddl_target import DdlTarget, target_of
from strangler.schema.guard.hazards import RULES, SENTENCES, RehearsalEvidence, find_hazards
from strangler.schema.guard.remedies import HazardKind, steps_for
from strangler.schema.guard.report import Finding
from strangler.schema.guard.snapshot import File, Size
from strangler.schema.guard.squawk import Remark, lint


def table(name: str, schema: str = "public", *checks: CatalogConstraint, **columns: CatalogColumn) -> CatalogTable:
    return CatalogTable(
        name,
        schema,
        "table",
        columns={"id": CatalogColumn("bigint", nullable=False, identity="by default"), **columns},
        constraints=checks,
        indexes=[CatalogIndex(f"{name}_by", ("id",), "")],
    )


def catalog(**posts: CatalogColumn) -> Catalog:
    return Catalog({"post": table("post", **posts), "audit.Log Book": table("Log Book", "audit"), "tag": table("tag")})


def hazards(
    *statements: str,
    before: Catalog | None = None,
    after: Catalog | None = None,
    made: Collection[str] = (),
    rewritten: Collection[File] = (),
    sizes: Mapping[str, Size] | None = None,
    locked: Collection[int] = (),
) -> list[Finding]:
    before = before or catalog()
    evidence = RehearsalEvidence(
        before=before,
        after=after or before,
        made=made,
        rewritten=rewritten,
        sizes=sizes or {},
        locked=locked,
    )
    return find_hazards(lint(statements, version=180_001, in_transaction=True), evidence)


POST = File("post", None, 1)


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ('ALTER TABLE "post" ADD COLUMN "x" integer', DdlTarget("post", "x")),
        ("alter table only post rename column old to new", DdlTarget("post", "old")),
        ('ALTER TABLE "audit"."Log Book" DROP COLUMN IF EXISTS "a ""b"""', DdlTarget("audit.Log Book", 'a "b"')),
        ('ALTER TABLE public."post" ADD CONSTRAINT "c" CHECK (x > 0)', DdlTarget("post")),
        ('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "on" ON "post" ("x")', DdlTarget("post")),
        ("CREATE INDEX ON post (x)", DdlTarget("post")),
        ('DROP INDEX CONCURRENTLY IF EXISTS "tag_by"', DdlTarget("tag")),
        ('DROP INDEX "nobody knows"', DdlTarget(None)),
        ('CREATE TABLE IF NOT EXISTS "new" ("id" bigint)', DdlTarget("new")),
        ('DROP TABLE "post" CASCADE', DdlTarget("post")),
        ("SET CONSTRAINTS ALL IMMEDIATE", DdlTarget(None)),
        ('ALTER /* job=migrate */ TABLE "post" -- of ours\n DROP /**/ COLUMN "/* x */"', DdlTarget("post", "/* x */")),
        ('ALTER /* a /* b */ c */ TABLE "post" ALTER title TYPE text', DdlTarget("post", "title")),
        ("ALTER TABLE post ADD UNIQUE (x), DROP COLUMN y", DdlTarget("post")),
        ('ALTER TABLE U&"p\\006fst" DROP COLUMN x', DdlTarget(None)),
    ],
)
def test_a_statement_names_its_table_and_column(statement: str, target: DdlTarget) -> None:
    assert target_of(statement, catalog()) == target


def test_a_remark_names_the_column_of_its_own_action() -> None:
    """Only one of the three is proved to hold no NULL, and none is the first column that the statement names."""
    proved = CatalogConstraint("c", "check", ("a",), "CHECK ((a IS NOT NULL))")
    before = Catalog({"post": table("post", "public", proved, a=CatalogColumn("text", nullable=True))})
    statement = (
        'ALTER TABLE post -- é\n ADD CHECK (id IN (1, 2)),\n ALTER a SET NOT NULL,\n ALTER "ä,b" SET NOT NULL, DROP c'
    )
    found = hazards(statement, before=before)
    assert {(each.kind, each.column) for each in found} == {
        *((HazardKind.CHECK, None), (HazardKind.NOT_NULL, "ä,b"), (HazardKind.DROP_COLUMN, "c")),
    }


def test_what_no_remark_names_is_seen_in_the_catalogs() -> None:
    """As a DO block does it, which no linter reads."""
    given, maybe = CatalogColumn("text", nullable=False, default="''"), CatalogColumn("text", nullable=True)
    before = catalog(
        title=replace(given, place=2),
        note=replace(maybe, place=3),
        old=replace(maybe, place=4),
        gone=replace(maybe, place=5),
    )
    after = catalog(
        title=replace(given, place=2, default=None),
        note=replace(maybe, place=3, nullable=False),
        new=replace(maybe, place=4),
        added=replace(given, place=6, default=None),
    )
    after = replace(after, tables={key: each for key, each in after.tables.items() if key != "tag"})
    assert {(each.kind, each.table, each.column) for each in hazards(before=before, after=after)} == {
        (HazardKind.REQUIRED, "post", "title"),
        (HazardKind.NOT_NULL, "post", "note"),
        (HazardKind.RENAME_COLUMN, "post", "old"),
        (HazardKind.DROP_COLUMN, "post", "gone"),
        (HazardKind.REQUIRED, "post", "added"),
        (HazardKind.DROP_TABLE, "tag", None),
    }
    (hazard,) = hazards(
        'DROP TABLE "new", tag',
        before=before,
        after=replace(before, tables={"post": before.tables["post"]}),
        made={"new", "audit.Log Book"},
    )
    assert hazard.table == "tag"


def test_every_kind_has_a_sentence_and_steps() -> None:
    kinds: list[BreakKind | HazardKind] = [*BreakKind, *HazardKind]
    for kind in kinds:
        steps = steps_for(kind, table="post", column="title")
        assert steps, kind
        assert all(step.startswith(("expand: ", "migrate: ", "contract: ")) for step in steps), kind
        assert not any("{" in step for step in steps), kind
    assert set(SENTENCES) == set(HazardKind)
    assert {*RULES.values(), HazardKind.ROWS, HazardKind.SEQUENCE} == set(HazardKind)


def test_a_name_with_braces_stays_as_it_is() -> None:
    assert "{table}.{0}" in steps_for(HazardKind.NOT_NULL, table="{table}", column="{0}")[0]


def test_a_sentence_names_the_size_of_the_table() -> None:
    (hazard,) = hazards('CREATE INDEX "i" ON "post" ("id")', sizes={"post": Size(1_234_567, 300_000_000)})
    assert hazard.sentence == "an index of post is built (about 1,234,567 rows, 286 MB): writes are blocked meanwhile."
    assert (hazard.kind, hazard.table, hazard.statement) == (
        HazardKind.INDEX,
        "post",
        'CREATE INDEX "i" ON "post" ("id")',
    )


def test_remarks_about_style_do_not_count() -> None:
    assert (
        hazards('ALTER TABLE "post" ADD COLUMN "x" integer NULL', 'ALTER TABLE "post" ADD COLUMN "y" char(3) NULL')
        == []
    )


def test_tables_that_the_migrations_make_may_be_altered() -> None:
    index = 'CREATE INDEX "i" ON "tag" ("id")'
    assert [each.kind for each in hazards(index)] == [HazardKind.INDEX]
    assert hazards(index, made={"tag"}) == []


def test_a_statement_with_several_remarks_is_one_hazard() -> None:
    (hazard,) = hazards('ALTER TABLE "post" ADD CONSTRAINT "u" UNIQUE ("id")')
    assert hazard.kind is HazardKind.UNIQUE


def test_a_rewrite_counts_only_if_the_table_has_another_file() -> None:
    wider = 'ALTER TABLE "post" ALTER COLUMN "title" TYPE varchar(300)'
    assert hazards(wider) == []
    assert [each.kind for each in hazards(wider, rewritten=[POST])] == [HazardKind.TYPE]


def test_a_rewrite_without_a_remark_is_reported() -> None:
    (hazard,) = hazards('ALTER TABLE "post" SET UNLOGGED', rewritten=[POST, File("tag", None, 2)], made={"tag"})
    assert (hazard.kind, hazard.table) == (HazardKind.REPACK, "post")


def test_a_default_that_is_dropped_counts_where_a_value_is_needed() -> None:
    drop = 'ALTER TABLE "post" ALTER COLUMN "x" DROP DEFAULT'
    for column, kinds in (
        (CatalogColumn("integer", nullable=False), [HazardKind.REQUIRED]),
        (CatalogColumn("integer", nullable=True), []),
        (CatalogColumn("integer", nullable=False, identity="always"), []),
    ):
        assert [each.kind for each in hazards(drop, after=catalog(x=column))] == kinds


@pytest.mark.parametrize(
    ("definition", "validated", "kinds"),
    [
        ("CHECK ((x IS NOT NULL))", True, []),
        ("CHECK ((x IS NOT NULL)) NOT VALID", False, [HazardKind.NOT_NULL]),
        ("CHECK (((x IS NOT NULL) OR (id > 0)))", True, [HazardKind.NOT_NULL]),
        ("CHECK ((xx IS NOT NULL))", True, [HazardKind.NOT_NULL]),
    ],
)
def test_not_null_is_safe_with_a_valid_constraint(definition: str, validated: bool, kinds: list[HazardKind]) -> None:
    check = CatalogConstraint("c", "check", ("x",), definition, validated=validated)
    before = Catalog({"post": table("post", "public", check, x=CatalogColumn("text", nullable=True))})
    assert [each.kind for each in hazards('ALTER TABLE "post" ALTER COLUMN "x" SET NOT NULL', before=before)] == kinds


def test_a_check_that_is_added_with_its_column_is_reported() -> None:
    check = CatalogConstraint("c", "check", ("x",), "CHECK ((x >= 0))")
    before, after = Catalog({"post": table("post")}), Catalog({"post": table("post", "public", check)})
    add = 'ALTER TABLE "post" ADD COLUMN "x" integer NULL CHECK ("x" >= 0)'
    assert [each.kind for each in hazards(add, before=before, after=after)] == [HazardKind.CHECK]
    assert hazards("SELECT 1", before=after, after=after) == []


def test_a_table_that_stays_locked_while_rows_change_is_reported() -> None:
    statements = (
        'ALTER TABLE "post" ADD COLUMN "x" text NULL',
        'ALTER TABLE "tag" ADD COLUMN "x" text NULL',
        "SELECT 1",
    )
    assert hazards(*statements) == []
    before = Catalog({"post": replace(table("post"), oid=1), "tag": replace(table("tag"), oid=2)})
    (hazard,) = hazards(*statements, made={"tag"}, before=before, locked=[1, 2])
    assert (hazard.kind, hazard.table) == (HazardKind.ROWS, "post")


def test_a_statement_that_squawk_can_not_read_is_reported() -> None:
    assert [each.kind for each in find_hazards([Remark("syntax-error", "ALTER BRAIN")], _nothing())] == [
        HazardKind.UNREAD
    ]


def _nothing() -> RehearsalEvidence:
    return RehearsalEvidence(before=catalog(), after=catalog(), made=(), rewritten=(), sizes={})
