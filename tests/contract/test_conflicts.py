"""What happens when the database says no: a 503 that says when to come back, and nothing half-written."""

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from fastapi_app.consumer import CONSUMER_FILE
from shared_schema.consumer.consumer import load_consumer
from strangler.local.ports import port_free_pick
from strangler.schema.grants import apply_grants
from tests.contract.comparing import V1, V2
from tests.fastapi_process import fastapi_process
from tests.shared_stack import StackAddresses


@pytest.fixture
def alice(access_tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_tokens['alice']}"}


@pytest.fixture
def post(parallel: httpx.Client, alice: dict[str, str]) -> int:
    """A new post of Alice."""
    answer = parallel.post(f"{V2}/posts/", json={"title": secrets.token_hex(8), "content": "c"}, headers=alice)
    number: int = answer.raise_for_status().json()["id"]
    return number


def test_a_row_that_another_transaction_holds_is_a_503_of_both(
    parallel: httpx.Client, stack: StackAddresses, alice: dict[str, str], post: int
) -> None:
    def change(api: str) -> httpx.Response:
        return parallel.patch(f"{api}/posts/{post}/", json={"title": "changed"}, headers=alice)

    with psycopg.connect(stack.owner_dsn) as other, ThreadPoolExecutor(2) as pool:
        other.execute("SELECT 1 FROM posts WHERE id = %s FOR UPDATE", (post,))
        for answer in pool.map(change, (V1, V2)):
            assert answer.status_code == 503
            assert answer.json() == {"detail": "Another request changed the same rows: try again."}
            assert answer.headers["Retry-After"] == "1"
    again = parallel.patch(f"{V2}/posts/{post}/", json={"title": "changed"}, headers=alice)
    assert again.json()["title"] == "changed"


def test_an_author_who_is_deleted_meanwhile_leaves_no_post(parallel: httpx.Client, stack: StackAddresses) -> None:
    """The foreign key is checked at COMMIT: an answer before that would have been a lie."""
    name = f"gone{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
    user = parallel.post(f"{V2}/users/", json=body).raise_for_status().json()["id"]
    tokens = parallel.post(f"{V2}/auth/token/", json={"username": name, "password": body["password"]}).json()
    headers = {"Authorization": f"Bearer {tokens['access']}"}
    with psycopg.connect(stack.owner_dsn) as other:
        # The tag holds the request up after it has inserted the post, until the author is gone.
        other.execute("INSERT INTO tags (name) VALUES (%s)", (name,))
        other.execute("UPDATE token_blacklist_outstandingtoken SET user_id = NULL WHERE user_id = %s", (user,))
        other.execute("DELETE FROM users WHERE id = %s", (user,))
        answers: list[httpx.Response] = []
        request = {"title": name, "content": "c", "tags": [name]}
        writer = threading.Thread(
            target=lambda: answers.append(parallel.post(f"{V2}/posts/", json=request, headers=headers))
        )
        writer.start()
        _wait_for_lock(stack, name)
    writer.join(30)
    assert [answer.status_code for answer in answers] == [503]
    with psycopg.connect(stack.owner_dsn) as check:
        assert check.execute("SELECT count(*) FROM posts WHERE title = %s", (name,)).fetchone() == (0,)


@pytest.mark.parametrize("api", [V1, V2])
def test_a_name_that_another_request_takes_meanwhile_was_taken(
    api: str, parallel: httpx.Client, stack: StackAddresses, alice: dict[str, str]
) -> None:
    """The serializer has looked before, and found none."""
    name = f"race{secrets.token_hex(4)}"
    answers: list[httpx.Response] = []
    writer = threading.Thread(
        target=lambda: answers.append(parallel.post(f"{api}/tags/", json={"name": name}, headers=alice))
    )
    with psycopg.connect(stack.owner_dsn) as other:
        other.execute("INSERT INTO tags (name) VALUES (%s)", (name,))
        writer.start()
        _wait_for_lock(stack, name)
    writer.join(30)
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (400, {"name": ["tag with this name already exists."]})
    ]


def test_a_client_that_hangs_up_leaves_nothing_half_written(
    stack: StackAddresses, access_tokens: dict[str, str]
) -> None:
    title = secrets.token_hex(8)
    tag = f"hang{title}"
    with psycopg.connect(stack.owner_dsn) as other:
        other.execute("INSERT INTO tags (name) VALUES (%s)", (tag,))
        with _sent(stack, access_tokens["alice"], f'{{"title":"{title}","content":"c","tags":["{tag}"]}}'):
            _wait_for_lock(stack, tag)
    deadline = time.monotonic() + 15
    with psycopg.connect(_as_admin(stack), autocommit=True) as check:
        while check.execute(_WAITING).fetchone() != (0,) and time.monotonic() < deadline:
            time.sleep(0.05)
        rows = check.execute("SELECT id FROM posts WHERE title = %s", (title,)).fetchall()
        links = check.execute(
            "SELECT count(*) FROM blog_post_tags WHERE post_id = ANY(%s)", ([row[0] for row in rows],)
        ).fetchone()
    assert links == (len(rows),), "a post without its tag, or a tag without its post"


_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE usename <> 'postgres' AND wait_event_type = 'Lock'
"""


def _wait_for_lock(stack: StackAddresses, what: str) -> None:
    """Until a stack waits for the tag's row."""
    deadline = time.monotonic() + 15
    with psycopg.connect(stack.admin_dsn, autocommit=True) as check:
        while check.execute(_WAITING).fetchone() == (0,):
            if time.monotonic() > deadline:
                pytest.fail(f"nobody waits for {what}")
            time.sleep(0.02)


@contextmanager
def _sent(stack: StackAddresses, token: str, body: str) -> Iterator[None]:
    """Sends a request, and hangs up at the end without having read the answer."""
    address = urlsplit(stack.fastapi_url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        head = f"POST {V2}/posts/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall((head + body).encode())
        yield


@pytest.fixture(scope="module")
def read_only(stack: StackAddresses) -> Iterator[httpx.Client]:
    """A FastAPI that may only read."""
    port = port_free_pick()
    with fastapi_process(stack, port=port, FASTAPI_READ_ONLY="1") as url, httpx.Client(base_url=url) as client:
        yield client


def test_read_only_answers_every_write_503_and_reads_on(
    read_only: httpx.Client, stack: StackAddresses, alice: dict[str, str]
) -> None:
    writes = [
        *(("POST", path) for path in ("/users/", "/posts/", "/posts/1/publish/", "/tags/")),
        *(("POST", f"/auth/token/{path}") for path in ("", "refresh/", "blacklist/")),
        *((method, path) for method in ("PUT", "PATCH", "DELETE") for path in ("/users/1/", "/posts/1/", "/tags/1/")),
    ]
    with psycopg.connect(stack.owner_dsn) as check:
        before = [check.execute(each).fetchone() for each in _OLD_ROWS]
        for method, path in writes:
            answer = read_only.request(method, V2 + path, headers=alice, json={})
            assert answer.status_code == 503, f"{method} {path}"
            assert answer.json() == {"detail": "This API is read-only for now: try again later."}
            assert int(answer.headers["Retry-After"]) > 0
        assert [check.execute(each).fetchone() for each in _OLD_ROWS] == before
    assert read_only.get(f"{V2}/posts/", headers=alice).status_code == 200
    assert read_only.post(f"{V2}/auth/token/verify/", json={"token": "x"}).status_code == 401


# Of the demo data, which no other test touches.
_OLD_ROWS = (
    "SELECT sum(hashtext(posts::text)::bigint) FROM posts WHERE id < 100",
    "SELECT sum(hashtext(tags::text)::bigint) FROM tags WHERE id < 10",
)


def test_a_role_that_may_not_write_answers_503_too(stack: StackAddresses, alice: dict[str, str]) -> None:
    role, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(16)
    apply_grants(
        owner_dsn=_as_admin(stack),
        role=role,
        password=password,
        consumer=load_consumer(CONSUMER_FILE),
    )
    address = urlsplit(stack.fastapi_dsn)
    dsn = address._replace(netloc=f"{role}:{password}@{address.hostname}:{address.port}").geturl()
    with (
        fastapi_process(stack, port=port_free_pick(), FASTAPI_DATABASE_URL=dsn) as url,
        httpx.Client(base_url=url) as client,
    ):
        assert client.get(f"{V2}/posts/", headers=alice).status_code == 200
        answer = client.post(f"{V2}/posts/", json={"title": "t", "content": "c"}, headers=alice)
    assert answer.status_code == 503
    assert answer.json() == {"detail": "This API is read-only for now: try again later."}


def _as_admin(stack: StackAddresses) -> str:
    """The stack's database as the superuser, who may make roles."""
    return urlsplit(stack.admin_dsn)._replace(path=urlsplit(stack.owner_dsn).path).geturl()
