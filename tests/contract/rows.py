"""The rows that a scenario leaves, named by the part they play, so that those of two stacks can be compared."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

# Every table that holds something of a user, and how its rows are found.
_OF_USERS = {
    "posts": "author_id",
    "django_admin_log": "user_id",
    "users_groups": "user_id",
    "users_user_permissions": "user_id",
    "token_blacklist_outstandingtoken": "user_id",
}
_FRESH = timedelta(minutes=5)


def rows_of(dsn: str, marker: str) -> dict[str, list[Any]]:
    """All rows of the users and tags whose name begins with `marker`, by table, with every column."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        users = _select(connection, "SELECT * FROM users WHERE username LIKE %s ORDER BY username", f"{marker}%")
        tags = _select(connection, "SELECT * FROM tags WHERE name LIKE %s ORDER BY name", f"{marker}%")
        user_ids = [user["id"] for user in users]
        found = {"users": users, "tags": tags}
        for table, column in _OF_USERS.items():
            statement = f"SELECT * FROM {table} WHERE {column} = ANY(%s) ORDER BY id"  # noqa: S608 - names from above
            found[table] = _select(connection, statement, user_ids)
        post_ids = [post["id"] for post in found["posts"]]
        links = "SELECT * FROM blog_post_tags WHERE post_id = ANY(%s) ORDER BY post_id, tag_id"
        found["blog_post_tags"] = _select(connection, links, post_ids)
    names = _names(found, marker)
    return {table: [_named(row, names, marker) for row in rows] for table, rows in found.items()}


def _select(connection: psycopg.Connection[dict[str, Any]], statement: str, value: object) -> list[dict[str, Any]]:
    return connection.execute(statement, (value,)).fetchall()  # type: ignore[call-overload]


def _names(found: dict[str, list[dict[str, Any]]], marker: str) -> dict[tuple[str, int], str]:
    """What each row is called: by its own text, not by its number."""
    names = {("user", row["id"]): row["username"].removeprefix(marker) for row in found["users"]}
    names |= {("tag", row["id"]): row["name"].removeprefix(marker) for row in found["tags"]}
    return names | {("post", row["id"]): row["title"] for row in found["posts"]}


def _named(row: dict[str, Any], names: dict[tuple[str, int], str], marker: str) -> dict[str, Any]:
    return {column: _role(column, value, names, marker) for column, value in row.items() if column != "id"}


def _role(column: str, value: Any, names: dict[tuple[str, int], str], marker: str) -> Any:
    kind = column.removesuffix("_id").replace("author", "user")
    if (kind, value) in names:
        return names[kind, value]
    if column in ("jti", "token", "expires_at"):
        return "a token's"
    if isinstance(value, datetime):
        return "now" if abs(datetime.now(UTC) - value) < _FRESH else value
    if column == "password":
        return re.sub(r"p=8\$.*", "p=8$…", value)
    return value.replace(marker, "") if isinstance(value, str) else value
