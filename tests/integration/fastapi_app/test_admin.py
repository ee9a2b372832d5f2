"""The admin: Django's staff and permissions, the endpoints' checks, one transaction with the history."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
import pytest_asyncio

from shared_schema.sign_in import attempt_digest
from tests.databases import OwnDatabase, cloned_database
from tests.integration.fastapi_app.browsing import CSRF_COOKIE, Browser
from tests.integration.fastapi_app.conftest import Start, one_loop
from tests.integration.fastapi_app.running import ADMIN, ALICE, USER_HASH, USER_PASSWORD, Running

pytestmark = one_loop

REFUSED = "Please enter the correct username and password for a staff account"


@pytest.fixture(scope="module")
def written(template: OwnDatabase) -> Iterator[OwnDatabase]:
    with cloned_database(template, f"{template.name}_admin") as database:
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute("UPDATE users SET is_superuser = true WHERE id = %s", (ADMIN,))
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin_running(start: Start, written: OwnDatabase) -> AsyncIterator[Running]:
    async with start(written) as running:
        yield running


@pytest.fixture
def rows(written: OwnDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(written.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def browser(admin_running: Running) -> Browser:
    return Browser(admin_running.app)


class Person(NamedTuple):
    id: int
    name: str


def person(rows: psycopg.Connection, *codenames: str, superuser: bool = False) -> Person:
    """New staff with these permissions."""
    name = f"p{secrets.token_hex(4)}"
    row = rows.execute(
        "INSERT INTO users (username, email, password, is_staff, is_active, is_superuser, first_name, last_name,"
        " date_joined, created_at) VALUES (%s, %s, %s, true, true, %s, '', '', now(), now()) RETURNING id",
        (name, f"{name}@example.com", USER_HASH, superuser),
    ).fetchone()
    assert row is not None
    give(rows, row[0], *codenames)
    return Person(row[0], name)


def give(rows: psycopg.Connection, user: int, *codenames: str) -> None:
    rows.execute(
        "INSERT INTO users_user_permissions (user_id, permission_id)"
        " SELECT %s, id FROM auth_permission WHERE codename = ANY (%s)",
        (user, list(codenames)),
    )


def log(rows: psycopg.Connection) -> Any:
    """The newest entry of the history."""
    return rows.execute(
        "SELECT l.user_id, c.app_label || '.' || c.model, l.object_id, l.object_repr, l.action_flag, l.change_message"
        " FROM django_admin_log l JOIN django_content_type c ON c.id = l.content_type_id ORDER BY l.id DESC LIMIT 1"
    ).fetchone()


async def test_staff_signs_in_and_out(browser: Browser, rows: psycopg.Connection) -> None:
    asked = await browser.get("/posts/list")
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("http://testserver/admin/login/?next=")
    answer = await browser.sign_in("admin")
    assert (answer.status_code, answer.headers["location"]) == (303, "http://testserver/admin/")
    assert rows.execute("SELECT last_login > now() - interval '1 minute' FROM users WHERE id = 1").fetchone() == (True,)
    home = await browser.get("/")
    assert "admin" in home.text
    assert home.headers["cache-control"] == "no-store"
    assert (await browser.get("/posts/list")).status_code == 200
    assert (await browser.post("/logout/")).status_code == 303
    assert (await browser.get("/posts/list")).status_code == 303


@pytest.mark.parametrize(("scheme", "flags"), [("http", {"HttpOnly"}), ("https", {"HttpOnly", "Secure"})])
async def test_the_sessions_cookie_is_for_the_admin_alone(admin_running: Running, scheme: str, flags: set[str]) -> None:
    browser = Browser(admin_running.app, scheme=scheme)
    answer = await browser.sign_in("admin", remember_me="on")
    (cookie,) = [text for text in answer.headers.get_list("set-cookie") if text.startswith("strangler_admin=")]
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert parts == flags | {"Path=/admin", "SameSite=lax", "Max-Age=43200"}


@pytest.mark.parametrize(("name", "password"), [("bob", USER_PASSWORD), ("admin", "wrong"), ("nobody", "wrong")])
async def test_who_is_no_staff_is_refused_as_a_wrong_password_is(browser: Browser, name: str, password: str) -> None:
    answer = await browser.sign_in(name, password)
    assert answer.status_code == 400
    assert REFUSED in answer.text
    assert "strangler_admin" not in browser.client.cookies


async def test_sign_ins_are_counted_as_those_of_the_api(browser: Browser, rows: psycopg.Connection) -> None:
    await browser.sign_in("somebody", "wrong")
    digest = attempt_digest("somebody")
    count = "SELECT count FROM strangler_sign_in_attempts WHERE digest = %s"
    assert rows.execute(count, (digest,)).fetchone() == (1,)
    rows.execute("UPDATE strangler_sign_in_attempts SET count = 1000 WHERE digest = %s", (digest,))
    assert "Request was throttled." in (await browser.sign_in("somebody", "wrong")).text


@pytest.mark.parametrize("change", ["password = 'argon2$another'", "is_staff = false", "is_active = false"])
async def test_a_session_ends_with_what_it_began_with(browser: Browser, rows: psycopg.Connection, change: str) -> None:
    user = person(rows, superuser=True)
    await browser.sign_in(user.name)
    assert (await browser.get("/posts/list")).status_code == 200
    rows.execute(f"UPDATE users SET {change} WHERE id = %s", (user.id,))  # noqa: S608 - of the cases above
    assert (await browser.get("/posts/list")).status_code == 303


async def test_permissions_are_djangos(browser: Browser, rows: psycopg.Connection) -> None:
    user = person(rows, "view_post", "change_tag")
    await browser.sign_in(user.name)
    assert [(await browser.get(path)).status_code for path in ("/posts/list", "/tags/list", "/users/list")] == [
        200,
        200,
        403,
    ]
    assert [(await browser.get(f"/posts/{page}", pk="3")).status_code for page in ("detail", "edit")] == [200, 403]
    assert (await browser.get("/tags/edit", pk="3")).status_code == 200
    assert (await browser.post("/posts/edit", params={"pk": "3"}, title="mine")).status_code == 403
    assert (await browser.post("/tags/create", name="mine")).status_code == 403
    assert (await browser.act("posts", "delete", 3)).json() == {"msg": "Forbidden"}
    assert "/admin/users/list" not in (await browser.get("/")).text
    rows.execute("INSERT INTO auth_group (name) VALUES (%s)", (user.name,))
    rows.execute("INSERT INTO users_groups (user_id, group_id) SELECT %s, id FROM auth_group WHERE name = %s", user)
    rows.execute(
        "INSERT INTO auth_group_permissions (group_id, permission_id)"
        " SELECT g.id, p.id FROM auth_group g, auth_permission p WHERE g.name = %s AND p.codename = 'view_user'",
        (user.name,),
    )
    assert (await browser.get("/users/list")).status_code == 200


async def test_a_post_is_edited_with_its_tags_and_the_history_says_so(
    browser: Browser, rows: psycopg.Connection
) -> None:
    await browser.sign_in("admin")
    before = rows.execute("SELECT content, created_at FROM posts WHERE id = 4").fetchone()
    answer = await browser.post(
        "/posts/edit", params={"pk": "4"}, title="New", content=before[0], author=str(ALICE), tags=["1", "3"]
    )
    assert answer.status_code == 303, answer.text
    assert rows.execute("SELECT title, published, content, created_at FROM posts WHERE id = 4").fetchone() == (
        *("New", False),
        *before,
    )
    assert rows.execute(
        "SELECT array_agg(tag_id ORDER BY tag_id) FROM blog_post_tags WHERE post_id = 4"
    ).fetchone() == ([1, 3],)
    message = [{"changed": {"fields": ["Title", "Tags", "Published"]}}]
    assert log(rows) == (ADMIN, "blog.post", "4", "New", 2, json.dumps(message))
    history = await browser.get("/django_admin_log/list", filter='model__eq="blog.post" AND object_id__eq="4"')
    assert "&#34;Published&#34;" in history.text
    assert "New" not in (await browser.get("/django_admin_log/list", filter='object_id__eq="5"')).text


@pytest.mark.parametrize(
    ("page", "fields", "sentence"),
    [
        ("/posts/create", {"title": "", "content": "text", "author": "2"}, "This field"),
        ("/posts/create", {"title": "t" * 201, "content": "text", "author": "2"}, "no more than 200 characters"),
        ("/posts/create", {"title": "t", "content": "text", "author": "999"}, "object does not exist"),
        ("/tags/create", {"name": "garden"}, "tag with this name already exists."),
        ("/users/create", {"username": "carol", "email": "carol@example.com", "password": "password"}, "too common"),
        ("/users/create", {"username": "carol", "email": "nothing", "password": USER_PASSWORD}, "valid email address"),
    ],
)
async def test_forms_are_checked_as_the_api_checks_bodies(
    browser: Browser, rows: psycopg.Connection, page: str, fields: dict[str, str], sentence: str
) -> None:
    await browser.sign_in("admin")
    tables = ("posts", "users", "tags", "django_admin_log")

    def counts() -> list[Any]:
        return [rows.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables]  # noqa: S608 - the above

    before = counts()
    answer = await browser.post(page, **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert counts() == before


async def test_a_new_user_signs_in_by_the_password_of_the_form(browser: Browser, rows: psycopg.Connection) -> None:
    await browser.sign_in("admin")
    fields = {
        "username": "\uff44ave",
        "email": "dave@EXAMPLE.com",
        "password": USER_PASSWORD,
        "is_active": "on",
        "is_staff": "on",
    }
    assert (await browser.post("/users/create", **fields)).status_code == 303
    kept = "SELECT id, email, is_active, is_staff, is_superuser, password FROM users WHERE username = 'dave'"
    key, *flags, encoded = rows.execute(kept).fetchone() or ()
    assert flags == ["dave@example.com", True, True, False]
    assert encoded.startswith("argon2$")
    assert log(rows) == (ADMIN, "accounts.user", str(key), "dave", 1, '[{"added": {}}]')
    await browser.post("/logout/")
    assert (await browser.sign_in("dave")).status_code == 303
    # Left empty, the password stays.
    await browser.post("/logout/")
    await browser.sign_in("admin")
    changed = {"username": "dave", "email": "new@example.com", "password": "", "is_active": "on", "is_staff": "on"}
    assert (await browser.post("/users/edit", params={"pk": str(key)}, **changed)).status_code == 303
    assert rows.execute(kept).fetchone() == (key, "new@example.com", True, True, False, encoded)


async def test_staff_gives_itself_no_rights(browser: Browser, rows: psycopg.Connection) -> None:
    user = person(rows, "view_user", "change_user", "delete_user")
    await browser.sign_in(user.name)
    fields = {
        "username": user.name,
        "email": "me@example.com",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
    }
    assert (
        await browser.post("/users/edit", params={"pk": str(user.id)}, **fields, user_permissions=["1"])
    ).status_code == 303
    kept = "SELECT email, is_staff, is_superuser FROM users WHERE id = %s"
    assert rows.execute(kept, (user.id,)).fetchone() == ("me@example.com", True, False)
    held = "SELECT count(*) FROM users_user_permissions WHERE user_id = %s"
    assert rows.execute(held, (user.id,)).fetchone() == (3,)
    refused = await browser.post(
        "/users/edit", params={"pk": str(ADMIN)}, username="admin", email="x@example.com", password=USER_PASSWORD
    )
    assert refused.status_code == 403
    assert (await browser.act("users", "delete", ADMIN)).json() == {"msg": "Forbidden"}
    headers = {"X-CSRFToken": browser.client.cookies[CSRF_COOKIE]}
    many = await browser.client.post(
        "/_api/users/action", params={"name": "delete", "pks": [str(ADMIN)]}, headers=headers
    )
    assert many.status_code == 403
    assert rows.execute(kept, (ADMIN,)).fetchone() == ("admin@example.com", True, True)


async def test_a_delete_cascades_or_is_refused_as_a_whole(browser: Browser, rows: psycopg.Connection) -> None:
    user, victim = person(rows, "view_user", "delete_user"), person(rows)
    rows.execute("UPDATE users SET is_staff = false WHERE id = %s", (victim.id,))
    rows.execute(
        "INSERT INTO posts (title, content, author_id, published, created_at) VALUES ('v', '', %s, true, now())",
        (victim.id,),
    )
    left = (
        "SELECT (SELECT count(*) FROM users WHERE id = %(id)s), (SELECT count(*) FROM posts WHERE author_id = %(id)s)"
    )
    await browser.sign_in(user.name)
    entry = log(rows)
    refused = await browser.act("users", "delete", victim.id)
    assert refused.json() == {"msg": "You may not delete what would go along: Posts."}
    assert rows.execute(left, {"id": victim.id}).fetchone() == (1, 1)
    assert log(rows) == entry
    give(rows, user.id, "delete_post")
    done = await browser.act("users", "delete", victim.id)
    assert done.json() == {"redirect": "http://testserver/admin/users/list"}
    assert rows.execute(left, {"id": victim.id}).fetchone() == (0, 0)
    assert log(rows) == (user.id, "accounts.user", str(victim.id), victim.name, 3, "[]")


@pytest.mark.parametrize(
    ("token", "headers", "sentence"),
    [
        ("", {}, "CSRF token missing"),
        ("forged", {}, "CSRF token invalid"),
        (None, {"Origin": "https://evil.example"}, "Origin checking failed"),
        (None, {"Origin": "null"}, "Origin checking failed"),
    ],
)
async def test_what_another_page_sends_is_refused(
    browser: Browser, rows: psycopg.Connection, token: str | None, headers: dict[str, str], sentence: str
) -> None:
    await browser.sign_in("admin")
    token = browser.client.cookies[CSRF_COOKIE] if token is None else token
    answer = await browser.client.post("/tags/create", data={"name": "forged", "csrftoken": token}, headers=headers)
    assert answer.status_code == 403
    assert sentence in answer.text
    assert rows.execute("SELECT count(*) FROM tags WHERE name = 'forged'").fetchone() == (0,)


async def test_a_token_of_another_visitor_is_refused(admin_running: Running, browser: Browser) -> None:
    other = Browser(admin_running.app)
    await other.get("/login/")
    await browser.sign_in("admin")
    answer = await browser.client.post(
        "/tags/create", data={"name": "t", "csrftoken": other.client.cookies[CSRF_COOKIE]}
    )
    assert (answer.status_code, answer.text) == (403, "CSRF token invalid")


async def test_a_service_that_may_only_read_writes_nothing(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, admin_running: Running
) -> None:
    await browser.sign_in("admin")
    monkeypatch.setitem(admin_running.app.state._state, "read_only", True)
    assert (await browser.get("/tags/list")).status_code == 200
    answer = await browser.post("/tags/create", name="never")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


async def test_lists_are_searched_filtered_and_ordered(browser: Browser) -> None:
    await browser.sign_in("admin")

    async def titles(**params: str) -> list[str]:
        page = await browser.get("/posts/list", page_size="100", **params)
        assert page.status_code == 200, page.text
        return re.findall(r"\bPost \d+\b", page.text)

    assert set(await titles(q="alice post 2")) >= {"Post 20", "Post 21"}
    assert "Post 10" not in await titles(q="alice post 2")
    assert await titles(q="bob") == []
    drafts = await titles(filter="published__is_false")
    assert "Post 6" in drafts
    assert "Post 7" not in drafts
    early = await titles(filter='created_at__between="2025-01-01T05:30".."2025-01-01T07:30"')
    assert set(early) == {"Post 6", "Post 7"}
    ordered = await titles(sort="title__asc", q="post")
    assert list(dict.fromkeys(ordered)) == sorted(set(ordered))


async def test_what_users_wrote_is_no_markup(browser: Browser, rows: psycopg.Connection) -> None:
    text = "<img src=x onerror=alert(1)>"
    rows.execute("INSERT INTO tags (name) VALUES (%s)", (text,))
    await browser.sign_in("admin")
    shown = await browser.get("/tags/list", q="onerror")
    looked_up = await browser.get("/_api/tags/relation-lookup", q="onerror")
    assert shown.status_code == looked_up.status_code == 200
    assert text not in shown.text
    (item,) = looked_up.json()["items"]
    assert text not in item["_meta"]["select2"]["result"]
    key = rows.execute("DELETE FROM tags WHERE name = %s RETURNING id", (text,)).fetchone()
    assert key is not None


async def test_a_row_that_is_not_there_is_not_found(browser: Browser) -> None:
    await browser.sign_in("admin")
    for key in ("99999", "none", "99999999999999999999"):
        assert (await browser.get("/posts/detail", pk=key)).status_code == 404
    assert (await browser.get("/nothing/list")).status_code == 404
