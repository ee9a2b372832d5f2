"""What FastAPI's role is given, statement by statement; tests/integration lets PostgreSQL judge it."""

import pytest

from shared_schema.models import BLOG
from shared_schema.privileges import role_privileges
from strangler.schema.grants import grant_statements


def statements(*, writing: bool, role: str = "reader") -> list[str]:
    return [statement.as_string() for statement in grant_statements(role=role, database="blog-db", writing=writing)]


def test_without_a_moved_write_route_every_table_is_read_only() -> None:
    granted = [statement for statement in statements(writing=False) if " ON " in statement and "SELECT" in statement]
    assert granted == sorted(f'GRANT SELECT ON "{cls.__tablename__}" TO "reader"' for cls in BLOG.classes)
    assert not any(word in " ".join(granted) for word in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"))


def test_with_one_each_table_gets_what_is_asked_for() -> None:
    granted = statements(writing=True)
    assert 'GRANT INSERT, SELECT ON "token_blacklist_blacklistedtoken" TO "reader"' in granted
    for table, privileges in role_privileges(writing=True).items():
        assert f'GRANT {", ".join(sorted(privileges))} ON "{table}" TO "reader"' in granted


@pytest.mark.parametrize("writing", [False, True])
def test_the_role_may_connect_and_see_but_not_create(writing: bool) -> None:
    granted = statements(writing=writing)
    assert 'REVOKE CREATE ON SCHEMA public FROM "reader"' in granted
    assert 'GRANT CONNECT ON DATABASE "blog-db" TO "reader"' in granted
    assert 'GRANT USAGE ON SCHEMA public TO "reader"' in granted


def test_a_name_cannot_break_out_of_its_statement() -> None:
    for statement in statements(writing=True, role='r"; DROP TABLE users; --'):
        assert statement.count('"r""; DROP TABLE users; --"') == 1
        assert statement.endswith('"r""; DROP TABLE users; --"')
