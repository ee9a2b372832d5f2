"""What a report comes to, and what counts as a failure of a statement."""

import pytest

from shared_schema.catalog import Catalog, CatalogColumn, CatalogConstraint, CatalogTable
from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from strangler.schema.compatibility.breaks import Break, BreakKind
from strangler.schema.guard.replay import ReplayedQuery, find_failures
from strangler.schema.guard.report import (
    Finding,
    GuardReport,
    GuardVerdict,
    MigrationReversal,
    MigrationVerdict,
    Reversibility,
    of_breaks,
    of_failures,
)
from strangler.schema.guard.reversibility import find_changes
from strangler.schema.guard.snapshot import (
    File,
    Size,
    StoredPart,
    find_added,
    find_lost_rights,
    find_renamed,
    find_rewritten,
)

FINDING = Finding(kind="any", sentence="It is wrong.")
SAFE = MigrationVerdict(app="shop", name="0002")
UNSAFE = MigrationVerdict(app="shop", name="0003", unsafe=(FINDING,))
BREAKS = MigrationVerdict(app="shop", name="0004", breaks=(FINDING,), unsafe=(FINDING,))
FAILED = MigrationVerdict(app="shop", name="0005", error="division by zero")


@pytest.mark.parametrize(
    ("migrations", "inconclusive", "verdict"),
    [
        ((), (), GuardVerdict.SAFE),
        ((), (FINDING,), GuardVerdict.SAFE),
        ((SAFE,), (), GuardVerdict.SAFE),
        ((SAFE, UNSAFE), (), GuardVerdict.UNSAFE),
        ((UNSAFE, BREAKS, SAFE), (), GuardVerdict.BREAKS),
        ((BREAKS, FAILED), (FINDING,), GuardVerdict.BREAKS),
        ((UNSAFE, FAILED), (), GuardVerdict.INCONCLUSIVE),
        ((UNSAFE,), (FINDING,), GuardVerdict.INCONCLUSIVE),
    ],
)
def test_the_worst_is_the_verdict(
    migrations: tuple[MigrationVerdict, ...], inconclusive: tuple[Finding, ...], verdict: GuardVerdict
) -> None:
    assert GuardReport(database="live", migrations=migrations, inconclusive=inconclusive).verdict is verdict


def test_the_exit_codes_are_those_that_are_documented() -> None:
    assert [
        int(each) for each in (GuardVerdict.SAFE, GuardVerdict.UNSAFE, GuardVerdict.BREAKS, GuardVerdict.INCONCLUSIVE)
    ] == [0, 1, 3, 4]


def test_reversibility_is_as_bad_as_its_worst_part() -> None:
    ways = [MigrationReversal(app="a", name="1"), MigrationReversal(app="a", name="2", losses=(FINDING,))]
    assert GuardReport(database="live", back=tuple(ways)).reversibility is Reversibility.LOSES
    assert (
        GuardReport(database="live", back=(*ways, MigrationReversal(app="a", name="3", wrong=(FINDING,)))).reversibility
        is Reversibility.WRONG
    )
    assert GuardReport(database="live").reversibility is Reversibility.SAFE


def test_a_rename_gets_the_steps_of_a_rename() -> None:
    renamed = {StoredPart("post", "title"): StoredPart("post", "headline")}
    gone = Break("post", "title", ("posts.list",), BreakKind.COLUMN_GONE, "gone", "keep it")
    new = Break("post", "headline", ("posts.create",), BreakKind.MUST_BE_GIVEN, "new", "keep it")
    other = Break("post", "body", ("posts.list",), BreakKind.COLUMN_GONE, "gone", "keep it")
    first, second, third = of_breaks([gone, new, other], renamed)
    assert first.steps == second.steps != third.steps
    assert "db_column='title'" in first.steps[0]
    (table,) = of_breaks(
        [Break("author", None, (), BreakKind.TABLE_GONE, "gone", "keep it")],
        {StoredPart("author", "id"): StoredPart("writer", "id")},
    )
    assert "Meta.db_table = 'author'" in table.steps[0]


PAGE = ("posts.list", "page")
WORKS = ReplayedQuery(*PAGE, columns=(("id", "bigint"), ("title", "character varying")))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (WORKS, WORKS, []),
        (WORKS, ReplayedQuery(*PAGE, wrong="no column"), ["no column"]),
        (WORKS, ReplayedQuery(*PAGE, refused="null value", columns=WORKS.columns), ["null value"]),
        # Its values never fitted: only what is wrong whatever the values counts.
        (ReplayedQuery(*PAGE, refused="no parent"), ReplayedQuery(*PAGE, refused="null value"), []),
        (ReplayedQuery(*PAGE, refused="no parent"), ReplayedQuery(*PAGE, wrong="no column"), ["no column"]),
        # Wrong already: another migration's, or another version's.
        (ReplayedQuery(*PAGE, wrong="no table"), ReplayedQuery(*PAGE, wrong="no column"), []),
        (WORKS, ReplayedQuery(*PAGE, columns=(("id", "integer"), ("title", "text"))), []),
        (
            WORKS,
            ReplayedQuery(*PAGE, columns=(("id", "uuid"), ("title", "text"))),
            ["its answer has other columns: id is uuid, title is text"],
        ),
    ],
)
def test_a_statement_fails_if_it_worked_better_before(
    before: ReplayedQuery, after: ReplayedQuery, said: list[str]
) -> None:
    assert [each.wrong or each.refused for each in find_failures({PAGE: before}, {PAGE: after})] == said


def test_statements_with_the_same_error_are_one_finding() -> None:
    failures = [ReplayedQuery(feature, "page", wrong="no column") for feature in ("posts", "tags", "posts")]
    (finding,) = of_failures(failures)
    assert finding.sentence == "3 statements, such as page of posts, fail: no column."
    assert (finding.features, finding.names) == (("posts", "tags"), ("page", "page", "page"))
    assert of_failures(failures[:1])[0].sentence == "Statement page of posts fails: no column."


def test_rights_are_on_columns() -> None:
    feature = {"reads": {"post": ["id", "title"]}, "inserts": {"post": ["title"]}, "deletes": ["tag"]}
    wanted = rights_wanted(Consumer.model_validate({"features": {"posts": feature}}), writers={"posts"})
    assert [str(right) for right in wanted] == [
        "INSERT post.title",
        "SELECT post.id",
        "SELECT post.title",
        "DELETE tag",
    ]


def test_a_right_on_a_dropped_table_or_column_is_not_lost() -> None:
    before = frozenset({Right("post", "SELECT", "id"), Right("post", "SELECT", "title"), Right("tag", "DELETE", "")})
    catalog = Catalog({"post": table(id="bigint")})
    assert [str(right) for right in find_lost_rights(before, frozenset(), catalog)] == ["SELECT post.id"]


def test_another_file_is_a_rewrite_and_another_name_a_rename() -> None:
    old, new = File("post", None, 10), File("post", None, 11)
    assert list(find_rewritten({1: old, 2: old}, {1: new, 2: old, 3: new})) == [new]
    before = {(1, 1): StoredPart("post", "id"), (1, 2): StoredPart("post", "title")}
    after = {
        (1, 1): StoredPart("post", "id"),
        (1, 2): StoredPart("post", "head"),
        (1, 3): StoredPart("post", "x"),
        (2, 1): StoredPart("t", "y"),
    }
    assert find_renamed(before, after) == {StoredPart("post", "title"): StoredPart("post", "head")}
    assert find_added(before, after) == [StoredPart("post", "x"), StoredPart("t", None)]


def test_a_size_without_statistics_has_no_rows() -> None:
    assert str(Size(20_000, 12_582_912)) == "about 20,000 rows, 12 MB"
    assert str(Size(None, 900)) == "900 bytes"
    assert str(Size(1, 2**60)) == "about 1 rows, 1048576 TB"


def table(*constraints: CatalogConstraint, **columns: str) -> CatalogTable:
    found = {name: CatalogColumn(kind, nullable=True) for name, kind in columns.items()}
    return CatalogTable("post", "public", "table", columns=found, constraints=constraints)


def test_each_change_is_named() -> None:
    check = CatalogConstraint("positive", "check", ("id",), "CHECK ((id > 0))")
    before = Catalog({"post": table(check, id="bigint", a="text"), "old": table()})
    after = Catalog({"post": table(id="integer", b="text"), "new": table()})
    assert {str(change) for change in find_changes(before, after)} == {
        "table old is missing",
        "table new is new",
        "column post.id differs",
        "column post.a is missing",
        "column post.b is new",
        "constraint positive of post is missing",
    }
    assert list(find_changes(before, before)) == []
