"""What the guard says of migrations that do what real ones do, on a real PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shared_schema.consumer.consumer import Consumer
from strangler.errors import FailedError, UnsafeError
from strangler.schema.django_side import django_contract
from strangler.schema.guard.report import GuardReport, GuardVerdict, Reversibility
from strangler.schema.guard.snapshot import shared_objects
from tests.databases import changed
from tests.shared_stack import StackAddresses
from tests.shops import Shop, leftovers, shop

pytestmark = pytest.mark.long

NAME = f"guard_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
# Each is applied after those before it; what it does, and what the guard is to say of it.
CHAIN: dict[str, tuple[str, set[str], set[str]]] = {
    "nullable": ('migrations.AddField("post", "subtitle", models.TextField(null=True))', set(), set()),
    "required": (
        'migrations.AddField("post", "rating", models.IntegerField(default=3))',
        {"must-be-given", "statement"},
        {"required"},
    ),
    "db_default": ('migrations.AddField("post", "stars", models.IntegerField(db_default=3))', set(), set()),
    "volatile_default": (
        'migrations.AddField("post", "token", models.UUIDField(db_default=Func(function="gen_random_uuid")))',
        set(),
        {"rewrite"},
    ),
    # squawk takes every function for a volatile one; the rehearsal shows that nothing is rewritten.
    "stable_default": ('migrations.AddField("post", "seen", models.DateTimeField(db_default=Now()))', set(), set()),
    "index": ('migrations.AddIndex("post", models.Index(fields=["views"], name="by_views"))', set(), {"index"}),
    "index_concurrently": (
        'AddIndexConcurrently("post", models.Index(fields=["views", "id"], name="by_both"))',
        set(),
        set(),
    ),
    "wider": ('migrations.AlterField("post", "title", models.CharField(max_length=300))', set(), set()),
    "narrower": (
        'migrations.AlterField("post", "title", models.CharField(max_length=50))',
        {"narrowed"},
        {"type"},
    ),
    "other_type": ('migrations.AlterField("post", "views", models.BigIntegerField())', set(), {"type"}),
    # Django sets the default, which locks the table, and then fills the rows.
    "not_null": ('migrations.AlterField("post", "body", models.TextField(db_default=""))', set(), {"not-null", "rows"}),
    "check": (
        'migrations.AddConstraint("post", models.CheckConstraint(condition=Q(views__gte=0), name="not_negative"))',
        {"new-constraint"},
        {"check"},
    ),
    "unique": (
        'migrations.AddConstraint("post", models.UniqueConstraint(fields=["title"], name="one_title"))',
        {"new-constraint"},
        {"unique"},
    ),
    "foreign_key": (
        'migrations.AddField("post", "editor", models.ForeignKey("shop.Author", models.CASCADE, null=True, '
        'related_name="+"))',
        set(),
        {"foreign-key", "index"},
    ),
    "new_table": (
        'migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True)), '
        '("name", models.CharField(max_length=50, unique=True)), '
        '("post", models.ForeignKey("shop.Post", models.CASCADE))])',
        set(),
        set(),
    ),
    "index_of_new_table": (
        'migrations.AddIndex("tag", models.Index(fields=["name", "id"], name="tag_index"))',
        set(),
        set(),
    ),
    # squawk says nothing of a CHECK that comes with its column.
    "column_with_check": (
        'migrations.AddField("post", "likes", models.PositiveIntegerField(null=True))',
        set(),
        {"check"},
    ),
    "index_dropped": ('migrations.RemoveIndex("post", "by_views")', set(), {"index-drop"}),
    "default_first": (
        'migrations.AlterField("post", "subtitle", models.TextField(null=True, db_default=""))',
        set(),
        set(),
    ),
    "check_not_valid": (
        'AddConstraintNotValid("post", models.CheckConstraint(condition=Q(subtitle__isnull=False), name="given"))',
        {"new-constraint"},
        set(),
    ),
    "validated": ('ValidateConstraint("post", "given")', set(), set()),
    "proved_not_null": ('migrations.AlterField("post", "subtitle", models.TextField(db_default=""))', set(), set()),
    "unused_dropped": ('migrations.RemoveField("post", "body")', set(), {"drop-column"}),
    "rows_moved": (
        'migrations.RemoveField("post", "seen"), migrations.RunPython(forwards, migrations.RunPython.noop)',
        set(),
        {"drop-column", "rows"},
    ),
    "renamed": (
        'migrations.RenameField("post", "title", "headline")',
        {"column-gone", "must-be-given", "statement"},
        {"rename-column"},
    ),
    # squawk says nothing of it; the rehearsal shows that the table is another file.
    "clustered": (
        'migrations.RunSQL("CLUSTER shop_post USING shop_post_pkey", migrations.RunSQL.noop)',
        set(),
        {"repack"},
    ),
}


@pytest.fixture(scope="module")
def live(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(admin_dsn=stack.admin_dsn, name=NAME, folder=tmp_path_factory.mktemp("shop") / "project") as made:
        yield made


@pytest.fixture
def project(live: Shop, tmp_path: Path) -> Iterator[Shop]:
    before = catalog(live)
    yield live.copy(tmp_path / "project")
    assert leftovers(live.database.admin_dsn, NAME) == []
    assert catalog(live) == before, "the live database is only read"


@pytest.fixture(scope="module")
def chain(live: Shop, tmp_path_factory: pytest.TempPathFactory) -> GuardReport:
    project = live.copy(tmp_path_factory.mktemp("chain") / "project")
    names = ["0001_initial", *(f"{number:04}_{name}" for number, name in enumerate(CHAIN, start=2))]
    for (name, (operation, *_)), before, full in zip(CHAIN.items(), names, names[1:], strict=False):
        project.migration(operation, name=full, before=before, atomic="concurrently" not in name)
    return project.guard()


def catalog(live: Shop) -> list[tuple[object, ...]]:
    with psycopg.connect(live.database.superuser_dsn) as connection:
        return connection.execute(
            "SELECT attrelid::regclass::text, attname, attnotnull, (SELECT count(*) FROM django_migrations) "
            "FROM pg_attribute WHERE attnum > 0 ORDER BY 1, 2"
        ).fetchall()


@pytest.mark.parametrize("name", CHAIN)
def test_each_migration_gets_its_verdict(chain: GuardReport, name: str) -> None:
    migration = next(each for each in chain.migrations if each.name[5:] == name)
    _operation, breaks, unsafe = CHAIN[name]
    assert {finding.kind for finding in migration.breaks} == breaks, migration
    assert {finding.kind for finding in migration.unsafe} == unsafe, migration
    assert all(finding.steps for finding in migration.unsafe)


def test_all_migrations_are_undone(chain: GuardReport) -> None:
    assert [back.label for back in chain.back] == [each.label for each in reversed(chain.migrations)]
    assert [back.wrong for back in chain.back if back.wrong] == []
    assert chain.reversibility is Reversibility.LOSES
    lost = {finding.sentence for back in chain.back for finding in back.losses}
    assert "Undoing it drops shop_post.subtitle, with all that was written there meanwhile." in lost
    assert "Undoing it brings shop_post.body back empty: the migration has dropped its values." in lost
    assert not any("headline" in sentence for sentence in lost), "a column that got another name is kept"


def test_a_renamed_column_gets_the_steps_of_a_rename(chain: GuardReport) -> None:
    (renamed,) = (each for each in chain.migrations if each.name.endswith("_renamed"))
    steps = {finding.steps for finding in (*renamed.breaks, *renamed.unsafe) if finding.steps}
    assert len(steps) == 1
    assert "db_column='title'" in steps.pop()[0]


def test_nothing_is_pending(project: Shop) -> None:
    report = project.guard()
    assert (report.verdict, report.migrations, report.back) == (GuardVerdict.SAFE, (), ())


def test_a_recreated_table_has_lost_its_rights(project: Shop) -> None:
    drop = "DROP TABLE shop_post; CREATE TABLE shop_post (LIKE old INCLUDING ALL); DROP TABLE old"
    project.migration(f'migrations.RunSQL("CREATE TABLE old (LIKE shop_post INCLUDING ALL); {drop}", "")')
    (migration,) = project.guard().migrations
    sentences = [finding.sentence for finding in migration.breaks if finding.kind == "privilege"]
    role = f"{NAME}_fastapi"
    assert (
        f"Role {role} may no longer INSERT shop_post.title: run `strangler grant` right after the migration."
        in sentences
    )
    assert len(sentences) == 6


def test_a_failing_migration_is_reported_with_its_error(project: Shop) -> None:
    project.migration('migrations.AddField("post", "ok", models.TextField(null=True))')
    project.migration('migrations.RunSQL("SELECT 1 / 0")', name="0003_wrong", before="0002_next")
    report = project.guard()
    assert report.verdict is GuardVerdict.INCONCLUSIVE
    assert [(each.label, each.verdict) for each in report.migrations] == [
        ("shop.0002_next", GuardVerdict.SAFE),
        ("shop.0003_wrong", GuardVerdict.INCONCLUSIVE),
    ]
    assert "division by zero" in report.migrations[1].error


def test_an_irreversible_migration_is_reported(project: Shop) -> None:
    project.migration("migrations.RunPython(forwards)")
    report = project.guard()
    assert report.verdict is GuardVerdict.SAFE
    assert report.reversibility is Reversibility.WRONG
    assert "make each RunPython and RunSQL reversible" in report.back[0].wrong[0].sentence


def test_a_reversal_that_restores_another_schema_is_reported(project: Shop) -> None:
    project.migration('migrations.RunSQL("ALTER TABLE shop_post ADD COLUMN x integer", migrations.RunSQL.noop)')
    (back,) = project.guard().back
    assert back.verdict is Reversibility.WRONG
    assert back.wrong[0].sentence == "Undoing it doesn't restore the schema: column shop_post.x is new."


def test_a_reversal_that_revokes_rights_is_reported(project: Shop) -> None:
    revoke = f"REVOKE ALL ON shop_author FROM {project.role}"
    project.migration(f'migrations.RunSQL("SELECT 1", "{revoke}")')
    report = project.guard()
    assert (report.verdict, report.reversibility) == (GuardVerdict.SAFE, Reversibility.WRONG)
    assert [(found.kind, found.column) for found in report.back[0].wrong] == [
        ("privilege", "id"),
        ("privilege", "name"),
    ]


def test_fastapi_that_needs_the_migration_is_rolled_back_first(project: Shop) -> None:
    project.migration('migrations.AddField("post", "subtitle", models.TextField(null=True))')
    coming = Consumer.model_validate({"features": {"posts.new": {"reads": {"shop_post": ["subtitle"]}}}})
    (back,) = project.guard(coming=coming).back
    assert [(finding.kind, finding.column) for finding in back.first] == [("column-gone", "subtitle")]


def test_a_failing_readiness_check_is_a_break(project: Shop) -> None:
    """A mapped column that no statement names: FastAPI checks it all the same, and says 503."""
    project.migration('migrations.RemoveField("post", "body")')
    needs = {"shop_post": {"body": {"type": "str", "nullable": True}}}
    read = {"posts.list": {"reads": {"shop_post": ["id"]}}}
    report = project.guard(Consumer.model_validate({"features": read, "needs": needs}))
    assert report.verdict is GuardVerdict.BREAKS
    (finding,) = report.migrations[0].breaks
    assert (finding.kind, finding.table, finding.column) == ("unready", "shop_post", "body")
    assert finding.sentence.startswith("FastAPI would report that it isn't ready: Column shop_post.body is missing")


def test_a_contract_that_was_not_exported_is_noted(project: Shop) -> None:
    contract = django_contract(project.project)
    project.migration('migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True))])')
    (note, _no_timeout) = project.guard(contract=contract).notes
    assert note.startswith("the contract file lacks changes of these migrations, such as (1 in all): Table shop_tag is")


def test_a_consumer_that_does_not_fit_the_live_schema_is_inconclusive(project: Shop) -> None:
    project.migration('migrations.AddField("post", "subtitle", models.TextField(null=True))')
    statement = {"name": "new", "sql": "SELECT subtitle FROM shop_post"}
    newer = Consumer.model_validate({"features": {"posts.new": {"statements": [statement]}}})
    report = project.guard(newer)
    assert report.verdict is GuardVerdict.INCONCLUSIVE
    assert 'column "subtitle" does not exist' in report.inconclusive[0].sentence
    assert "--consumer" in report.inconclusive[0].sentence


def test_a_project_that_ignores_the_address_changes_nothing(project: Shop) -> None:
    project.migration('migrations.AddField("post", "subtitle", models.TextField(null=True))')
    # In its own settings, where the guard can't see it.
    settings = project.folder / "settings.py"
    settings.write_text(settings.read_text().replace('os.environ["DATABASE_URL"]', repr(project.database.owner_dsn)))
    with pytest.raises(
        UnsafeError, match=f"The settings name the database {NAME}, and --scratch {NAME}_guard_scratch_"
    ):
        project.guard()


def test_every_address_of_the_live_database_leads_to_the_scratch_one(
    project: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.migration('migrations.AddField("post", "subtitle", models.TextField(null=True))')
    # The settings take this one before DATABASE_URL.
    env = {**project.project.env, "SHOP_DATABASE": project.database.owner_dsn.replace("127.0.0.1", "localhost")}
    monkeypatch.setattr("tests.shops.base_environment", lambda: env)
    assert project.guard().verdict is GuardVerdict.SAFE


OUT_OF_REACH = (
    "CREATE ROLE of_a_migration",
    "GRANT pg_monitor TO {role}",
    "SET ROLE {owner}",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "ALTER DATABASE {name} CONNECTION LIMIT 0",
    "DROP DATABASE {name}",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{owner}'",
    "SELECT pg_create_physical_replication_slot('of_a_migration')",
    "CREATE TABLESPACE of_a_migration LOCATION '/tmp'",
    "COPY shop_author FROM PROGRAM 'echo'",
    "COPY shop_author TO '/tmp/of_a_migration'",
    "SELECT pg_read_file('postgresql.conf')",
    "CREATE EXTENSION file_fdw",
)


@pytest.mark.parametrize(
    "statement",
    ["ALTER ROLE {role} PASSWORD 'x'", *(pytest.param(each, marks=pytest.mark.long) for each in OUT_OF_REACH)],
)
def test_shared_objects_of_the_server_are_out_of_reach(project: Shop, statement: str) -> None:
    names = {"role": project.role, "owner": project.database.owner, "name": project.database.name}
    project.migration(f'migrations.RunSQL("{statement.format(**names)}")', atomic="ROLE" in statement)
    with psycopg.connect(project.database.owner_dsn), psycopg.connect(project.database.superuser_dsn) as admin:
        before = _shared(admin, names)
        report = project.guard()
        admin.rollback()
        assert _shared(admin, names) == before
    assert report.verdict is GuardVerdict.INCONCLUSIVE
    (migration,) = report.migrations
    assert "permission denied" in migration.error or "must be" in migration.error, migration.error
    assert "--scratch" in migration.hint


def _shared(admin: psycopg.Connection, names: dict[str, str]) -> set[tuple[str, str]]:
    """What the server shares, without the roles and databases that other tests make meanwhile."""
    ours = {"of_a_migration", *names.values()}
    return {
        (what, says)
        for what, says in shared_objects(admin)
        if not what.startswith(("role ", "database ")) or what.partition(" ")[2] in ours
    }


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("ALTER ROLE CURRENT_USER PASSWORD 'x'", "role {owner}"),
        (
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
            "database {name}",
        ),
    ],
)
def test_changes_of_the_migrating_role_are_reported_as_shared(project: Shop, statement: str, subject: str) -> None:
    project.migration(f'migrations.RunSQL("{statement}")')
    (migration,) = project.guard().migrations
    assert migration.verdict is GuardVerdict.UNSAFE
    (finding,) = migration.unsafe
    named = subject.format(owner=project.database.owner, name=project.database.name)
    assert (finding.kind, f" {named}," in finding.sentence) == ("shared", True), finding


def test_the_clone_keeps_the_owners_objects(project: Shop) -> None:
    """Its settings, its tables in another's schema, and what it grants on tables to come; but no login elsewhere."""
    role, owner = project.role, project.database.owner
    change = f"""
        CREATE SCHEMA "Other"; CREATE TABLE "Other".kept (id bigserial PRIMARY KEY);
        ALTER SCHEMA "Other" OWNER TO {owner};
        ALTER TABLE "Other".kept OWNER TO {owner};
        CREATE TYPE mood AS ENUM ('good'); ALTER TYPE mood OWNER TO {owner};
        CREATE TYPE pair AS (one integer); ALTER TYPE pair OWNER TO {owner};
        CREATE FUNCTION two(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2'; ALTER FUNCTION two OWNER TO {owner};
        CREATE FOREIGN DATA WRAPPER none; CREATE SERVER elsewhere FOREIGN DATA WRAPPER none;
        CREATE USER MAPPING FOR PUBLIC SERVER elsewhere; CREATE USER MAPPING FOR {owner} SERVER elsewhere;
        CREATE VIEW seen AS SELECT 1 AS one; ALTER VIEW seen OWNER TO {owner};
        CREATE STATISTICS about ON title, views FROM shop_post; ALTER STATISTICS about OWNER TO {owner};
        ALTER ROLE {owner} SET search_path = public, "Other"; ALTER ROLE {owner} SET lock_timeout = '7s';
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {role}
    """  # noqa: S608 - names of the test
    back = f"""
        DROP SCHEMA "Other" CASCADE; DROP TYPE mood, pair; DROP FUNCTION two; DROP VIEW seen; DROP STATISTICS about;
        DROP FOREIGN DATA WRAPPER none CASCADE;
        ALTER ROLE {owner} RESET search_path; ALTER ROLE {owner} RESET lock_timeout;
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE SELECT ON TABLES FROM {role}
    """  # noqa: S608 - the same
    project.migration(
        'migrations.RunSQL("ALTER TABLE kept ADD x integer; ALTER TYPE pair ADD ATTRIBUTE y integer")',
        'migrations.RunSQL("DROP FUNCTION two; ALTER VIEW seen RENAME TO gone")',
        'migrations.RunSQL("ALTER STATISTICS about SET STATISTICS 9")',
        "migrations.RunSQL(\"ALTER TYPE mood ADD VALUE 'bad'; CREATE TABLE made ()\")",
        "migrations.RunSQL(\"DO $$ BEGIN ASSERT current_setting('lock_timeout') = '7s'; "
        f"ASSERT has_table_privilege('{role}', 'made', 'SELECT'); "
        'ASSERT NOT EXISTS (SELECT FROM pg_user_mappings); END $$")',
    )
    with changed(project.database, change, back):
        (migration,) = project.guard().migrations
    assert migration.error == ""


ROWS = "INSERT INTO shop_author (name) SELECT 'x' FROM generate_series(1, 9)"
NO_ROWS = "TRUNCATE shop_author RESTART IDENTITY CASCADE"


@pytest.mark.long
@pytest.mark.parametrize(
    ("statements", "what"),
    [
        (["ALTER TABLE shop_author ALTER id RESTART WITH 1"], "continues with 1, and rows have 1 to 9"),
        (["SELECT setval('shop_author_id_seq', 3)"], "continues with 4, and rows have 1 to 9"),
        (["ALTER TABLE shop_author ALTER id SET INCREMENT BY -1 SET MINVALUE -9"], "continues with 8"),
        (["ALTER TABLE shop_author ALTER id SET MAXVALUE 9"], "has no value left"),
        (["ALTER TABLE shop_author ALTER id SET CYCLE"], "restarts at its end"),
        (
            [
                "ALTER TABLE shop_author ALTER id DROP IDENTITY",
                "ALTER TABLE shop_author ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
            ],
            "continues with 1",
        ),
        (["ALTER TABLE shop_author ALTER id RESTART WITH 10"], None),
        (["SELECT setval(pg_get_serial_sequence('shop_author', 'id'), coalesce(max(id), 1)) FROM shop_author"], None),
        (["ALTER TABLE shop_author ALTER id SET MAXVALUE 99"], None),
        (["ALTER SEQUENCE shop_author_id_seq RENAME TO other"], None),
    ],
)
def test_a_sequence_without_new_values_is_unsafe(project: Shop, statements: list[str], what: str | None) -> None:
    project.migration(*(f'migrations.RunSQL("{each}", migrations.RunSQL.noop)' for each in statements))
    with changed(project.database, ROWS, NO_ROWS):
        (migration,) = project.guard().migrations
    assert migration.error == ""
    found = [finding for finding in (*migration.breaks, *migration.unsafe) if finding.kind == "sequence"]
    assert [what in finding.sentence for finding in found] == ([True] if what else [])
    assert all((finding.table, finding.column) == ("shop_author", "id") for finding in found)


def test_a_sequence_that_fastapi_uses_is_a_break(project: Shop) -> None:
    project.migration('migrations.RunSQL("ALTER TABLE shop_post ALTER id RESTART", "")')
    rows = f"{ROWS}; INSERT INTO shop_post (title, views, author_id) SELECT 'x', 0, 1 FROM generate_series(1, 9)"  # noqa: S608 - fixed rows
    with changed(project.database, rows, NO_ROWS):
        report = project.guard()
    (finding,) = report.migrations[0].breaks
    assert (finding.kind, finding.features, report.verdict) == ("sequence", ("posts.create",), GuardVerdict.BREAKS)


def test_options_of_a_sequence_are_undone_too(project: Shop) -> None:
    project.migration('migrations.RunSQL("ALTER TABLE shop_author ALTER id SET INCREMENT BY 5", "")')
    (back,) = project.guard().back
    assert back.wrong[0].sentence == "Undoing it doesn't restore the schema: sequence shop_author_id_seq differs."
    project.migration('migrations.RunSQL("CREATE SEQUENCE own OWNED BY shop_author.name", "DROP SEQUENCE own")')
    assert project.guard().reversibility is Reversibility.SAFE


@pytest.mark.parametrize(
    ("operations", "kinds"),
    [
        (["LOCK TABLE shop_post IN ACCESS EXCLUSIVE MODE", "UPDATE shop_post SET views = 0"], {"rows"}),
        (["UPDATE shop_post SET views = 0"], set()),
        (['ALTER /* job=migrate */ TABLE "shop_post" -- x\n ALTER COLUMN title TYPE text'], set()),
        (["CREATE INDEX ON shop_post (title)", "ALTER TABLE shop_post ALTER title TYPE text"], {"index"}),
        (["TRUNCATE shop_post"], {"repack"}),
        (["DO $$ BEGIN ALTER TABLE shop_post DROP COLUMN views; END $$"], {"drop-column"}),
        (["ALTER TABLE shop_post SET UNLOGGED"], {"repack"}),
    ],
)
def test_the_effect_of_sql_counts_and_not_its_spelling(project: Shop, operations: list[str], kinds: set[str]) -> None:
    project.migration(*(f"migrations.RunSQL({each!r})" for each in operations))
    (migration,) = project.guard().migrations
    assert (migration.error, {finding.kind for finding in migration.unsafe}) == ("", kinds)
    assert not any("AddField(null=True)" in step for finding in migration.unsafe for step in finding.steps)


def test_migrations_that_migrate_refuses_are_not_rehearsed(project: Shop) -> None:
    project.migration('migrations.RunSQL("SELECT 1")')
    project.migration('migrations.RunSQL("SELECT 1")', name="0002_other")
    with pytest.raises(FailedError, match="migrate refuses: Conflicting migrations detected"):
        project.guard()


def test_a_broken_migration_file_is_reported_with_its_line(project: Shop) -> None:
    project.migration("migrations.RunSQL(")
    with pytest.raises(FailedError, match=r"0002_next\.py, line \d+"):
        project.guard()


@pytest.mark.long
def test_a_migration_that_takes_too_long_has_failed(project: Shop) -> None:
    project.migration('migrations.RunSQL("SELECT pg_sleep(600)")')
    (migration,) = project.guard(timeout=20).migrations
    assert (migration.label, migration.verdict) == ("shop.0002_next", GuardVerdict.INCONCLUSIVE)
    assert migration.error.startswith("it takes longer than 20 s")


@pytest.mark.long
def test_a_migration_that_fails_on_rows_fails_on_a_sample(project: Shop) -> None:
    """Rows come with those that they point at, and what may be a secret comes masked."""
    project.migration('migrations.RunSQL("ALTER TABLE login ADD UNIQUE (author_id)")')
    table = "CREATE TABLE login (id serial PRIMARY KEY, author_id bigint REFERENCES shop_author, reset_token text)"
    logins = "INSERT INTO login (author_id, reset_token) SELECT 9, 'secret of 1' FROM generate_series(1, 9)"
    owner = f"ALTER TABLE login OWNER TO {project.database.owner}"
    with changed(project.database, f"{ROWS}; {table}; {logins}; {owner}", f"DROP TABLE login; {NO_ROWS}"):
        assert project.guard().migrations[0].error == ""
        assert "could not create unique index" in project.guard(rows=2).migrations[0].error
        seen = (
            "ASSERT (SELECT count(*) FROM login JOIN shop_author ON author_id = shop_author.id "
            "WHERE length(reset_token) = 11 AND reset_token <> 'secret of 1') BETWEEN 2 AND 3"
        )
        project.migration(f'migrations.RunSQL("DO $$ BEGIN {seen}; END $$", "")')
        (migration,) = project.guard(rows=2).migrations
    assert migration.error == ""
