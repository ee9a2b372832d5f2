"""Writes are compared on copies of the containers' database, and that is the evidence of a move: `make containers`."""

from tests.e2e.containers.engine import Containers

COUNTS = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts), (SELECT count(*) FROM tags)"
DATABASES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"

SPOILED = """
    CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF current_user = 'strangler_fastapi' THEN NEW.name := NEW.name || '!'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER spoil BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION spoil()
"""


def ask(containers: Containers, query: str) -> str:
    """What PostgreSQL's superuser reads in the containers' database."""
    psql = ("psql", "--username=postgres", "--dbname=strangler", "--tuples-only", "--no-align", "--command", query)
    return containers.inside("postgres", *psql).stdout.strip()


def test_the_first_example_of_the_page_works_as_printed(containers: Containers) -> None:
    assert "\nequal: " in containers.strangler("compare", "--route", "feed.list")
    move = ("switch", "feed.list", "--to", "canary", "--percent", "10", "--yes", "--reason", "first tenth")
    assert "feed.list  parallel → canary 10%" in containers.strangler(*move)
    assert "feed.list  canary 10% → parallel" in containers.strangler("rollback", "--yes")


def test_writes_are_the_evidence_of_a_route_that_writes(containers: Containers) -> None:
    found = containers.routes_file.read_bytes()
    before = [ask(containers, query) for query in (COUNTS, DATABASES)]
    move = ("switch", "tags.create", "--to", "canary", "--percent", "10", "--yes", "--reason", "first tenth")
    containers.strangler("switch", "tags.create", "--to", "parallel", "--yes")
    assert "run strangler compare --writes --route tags.create" in containers.strangler(*move, code=3)
    said = containers.strangler("compare", "--writes", "--route", "tags.create")
    assert "\nequal: " in said
    assert "tags.create  parallel → canary 10%" in containers.strangler(*move)
    containers.strangler("rollback", "--to", "0", "--yes", "--force", "--reason", "as it was")
    assert containers.routes_file.read_bytes() == found
    # Nothing is left of the copies, and nothing was written where clients are.
    assert [ask(containers, query) for query in (COUNTS, DATABASES)] == before
    running = containers.run("ps").stdout
    assert "nginx" in running
    assert "copies" not in running
    assert "-copy" not in running


def test_a_row_that_one_side_writes_otherwise_is_found(containers: Containers) -> None:
    """A trigger, which the copies have too, spoils what FastAPI's role writes."""
    psql = ("psql", "--username=postgres", "--dbname=strangler", "--quiet", "--command")
    containers.inside("postgres", *psql, SPOILED)
    try:
        said = containers.strangler("compare", "--writes", "--route", "tags.create", code=1)
    finally:
        containers.inside("postgres", *psql, "DROP FUNCTION spoil() CASCADE")
    assert "\ndifferent: " in said
