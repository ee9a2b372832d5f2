"""A write whose connection to PostgreSQL is cut, at each message in turn: the answer says what the tables hold."""
# ruff: noqa: S608 - what stands in the queries is the test's own

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from fastapi_app.consumer import CONSUMER_FILE
from shared_schema.consumer.consumer import load_consumer
from strangler.local.children import Children
from strangler.local.ports import port_free_pick
from strangler.local.services import Connections, stack_service
from strangler.routes.route import Stack
from strangler.schema.grants import apply_grants
from tests.cutting_proxy import CuttingProxy, Lost, cutting_proxy
from tests.databases import PASSWORD, OwnDatabase, migrated_database
from tests.example import PREFIXES, example_settings
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

SECONDS = 30
MOST_MESSAGES = 80
KEY = "k" * 40
SECRET = "a password of nobody 9"


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write, and a query that counts how often it was done.

    A sign-in commits the count of attempts before the token: it is two transactions.
    """

    method: str
    path: str
    body: dict[str, Any] | None
    done: str
    caller: str = ""
    is_one_transaction: bool = True


class Service:
    """One stack behind the proxy, and its tables as the owner sees them."""

    def __init__(self, url: str, proxy: CuttingProxy, database: OwnDatabase) -> None:
        self.proxy = proxy
        self.client = httpx.Client(base_url=url, headers={"Host": "localhost"}, timeout=SECONDS)
        self.database = psycopg.connect(database.superuser_dsn, autocommit=True)
        self.tokens: dict[str, str] = {}

    def one(self, query: str) -> Any:
        row = self.database.execute(query).fetchone()  # type: ignore[call-overload] # a query of the tests
        return row[0] if row else None

    def send(self, write: Write) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[write.caller]}"} if write.caller else {}
        return self.client.request(write.method, write.path, json=write.body, headers=headers)

    def sign_in(self, name: str) -> dict[str, str]:
        answer = self.client.post("/auth/token/", json={"username": name, "password": SECRET})
        tokens: dict[str, str] = answer.raise_for_status().json()
        return tokens

    def says_no(self, answer: httpx.Response) -> bool:
        """Whether the answer is that of a stack whose database is away: a 503 to try again after."""
        return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers

    def settle(self) -> None:
        """Wait until PostgreSQL has noticed what was cut."""
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state <> 'idle'"
        )
        deadline = time.monotonic() + SECONDS
        while self.one(query):
            assert time.monotonic() < deadline, "a transaction is still open"
            time.sleep(0.01)


@pytest.fixture(scope="module", params=list(Stack))
def service(
    request: pytest.FixtureRequest, stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    which: Stack = request.param
    server = conninfo_to_dict(stack.admin_dsn)
    folder: Path = tmp_path_factory.mktemp("logs")
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"cut_{which}") as database,
        cutting_proxy(str(server["host"]), int(server["port"] or 0)) as proxy,
    ):
        role = f"{database.name}_fastapi"
        consumer = load_consumer(CONSUMER_FILE)
        apply_grants(
            owner_dsn=database.owner_dsn, role=role, password=PASSWORD, consumer=consumer, writers=consumer.features
        )

        def through_proxy(dsn: str) -> str:
            return dsn.replace(f":{server['port']}/", f":{proxy.port}/")

        settings = example_settings(
            django_port=port_free_pick(), fastapi_port=port_free_pick(), django_workers=1, fastapi_workers=1
        )
        connections = Connections(
            owner_dsn=through_proxy(database.owner_dsn),
            fastapi_dsn=through_proxy(database.dsn(role)),
            secret_key="s" * 40,
            jwt_signing_key=KEY,
        )
        started = stack_service(settings, connections, which)
        assert started is not None
        children = Children(logs=folder, check=lambda: None)
        try:
            children.start(started)
            children.wait_until_ready([started])
            made = Service(f"http://127.0.0.1:{started.listens[1]}{PREFIXES.upstream(which)}", proxy, database)
            with made.client, made.database:
                for name in ("owner", "staff"):
                    body = {"username": name, "email": f"{name}@example.com", "password": SECRET}
                    made.client.post("/users/", json=body).raise_for_status()
                made.database.execute("UPDATE users SET is_staff = true WHERE username = 'staff'")
                made.tokens = {name: made.sign_in(name)["access"] for name in ("owner", "staff")}
                yield made
        finally:
            children.stop()


def post_create(_service: Service, name: str) -> Write:
    body = {"title": name, "content": "text", "tags": [f"{name} tag"]}
    done = (
        "SELECT count(*) FROM posts JOIN blog_post_tags ON post_id = posts.id JOIN tags ON tags.id = tag_id"
        f" WHERE title = '{name}' AND tags.name = '{name} tag'"
    )
    return Write(method="POST", path="/posts/", body=body, caller="owner", done=done)


def _post(service: Service, name: str, author: str = "owner") -> int:
    number: int = service.one(
        "INSERT INTO posts (title, content, published, created_at, author_id)"
        f" SELECT 'old {name}', 'text', false, now(), id FROM users WHERE username = '{author}' RETURNING id"
    )
    return number


def post_update(service: Service, name: str) -> Write:
    number = _post(service, name)
    done = f"SELECT count(*) FROM posts WHERE id = {number} AND title = '{name}'"
    return Write(method="PATCH", path=f"/posts/{number}/", body={"title": name}, caller="owner", done=done)


def post_delete(service: Service, name: str) -> Write:
    number = _post(service, name)
    done = f"SELECT 1 - count(*) FROM posts WHERE id = {number}"
    return Write(method="DELETE", path=f"/posts/{number}/", body=None, caller="owner", done=done)


def tag_create(_service: Service, name: str) -> Write:
    done = f"SELECT count(*) FROM tags WHERE name = '{name}'"
    return Write(method="POST", path="/tags/", body={"name": name}, caller="owner", done=done)


def tag_update(service: Service, name: str) -> Write:
    number = service.one(f"INSERT INTO tags (name) VALUES ('old {name}') RETURNING id")
    done = f"SELECT count(*) FROM tags WHERE id = {number} AND name = '{name}'"
    return Write(method="PUT", path=f"/tags/{number}/", body={"name": name}, caller="staff", done=done)


def user_create(_service: Service, name: str) -> Write:
    username = name.replace(" ", "_")
    body = {"username": username, "email": f"{username}@example.com", "password": SECRET}
    done = f"SELECT count(*) FROM users WHERE username = '{username}'"
    return Write(method="POST", path="/users/", body=body, done=done)


def token_refresh(service: Service, _name: str) -> Write:
    refresh = service.sign_in("owner")["refresh"]
    jti = jwt.decode(refresh, options={"verify_signature": False})["jti"]
    done = (
        "SELECT count(*) FROM token_blacklist_blacklistedtoken JOIN token_blacklist_outstandingtoken AS token"
        f" ON token.id = token_id WHERE jti = '{jti}'"
    )
    return Write(method="POST", path="/auth/token/refresh/", body={"refresh": refresh}, done=done)


def token_blacklist(service: Service, name: str) -> Write:
    return replace(token_refresh(service, name), path="/auth/token/blacklist/")


def token_obtain(service: Service, name: str) -> Write:
    username = _user(service, name)
    done = (
        "SELECT count(*) FROM token_blacklist_outstandingtoken JOIN users ON users.id = user_id"
        f" WHERE username = '{username}'"
    )
    body = {"username": username, "password": SECRET}
    return Write(method="POST", path="/auth/token/", body=body, done=done, is_one_transaction=False)


def post_publish(service: Service, name: str) -> Write:
    number = _post(service, name)
    done = f"SELECT count(*) FROM posts WHERE id = {number} AND published"
    return Write(method="POST", path=f"/posts/{number}/publish/", body=None, caller="owner", done=done)


def tag_delete(service: Service, name: str) -> Write:
    post, tag = _post(service, name), service.one(f"INSERT INTO tags (name) VALUES ('{name}') RETURNING id")
    service.one(f"INSERT INTO blog_post_tags (post_id, tag_id) VALUES ({post}, {tag}) RETURNING id")
    # A half where one of the two is left.
    done = (
        f"SELECT 1 - (SELECT count(*) FROM tags WHERE id = {tag}) / 2.0"
        f" - (SELECT count(*) FROM blog_post_tags WHERE tag_id = {tag}) / 2.0"
    )
    return Write(method="DELETE", path=f"/tags/{tag}/", body=None, caller="staff", done=done)


def user_update(_service: Service, name: str) -> Write:
    email = f"{name.replace(' ', '_')}@example.com"
    done = f"SELECT count(*) FROM users WHERE username = 'owner' AND email = '{email}'"
    return Write(method="PATCH", path="/users/me/", body={"email": email}, caller="owner", done=done)


def user_delete(service: Service, name: str) -> Write:
    username = _user(service, name)
    service.tokens[username] = service.sign_in(username)["access"]
    user, post = service.one(f"SELECT id FROM users WHERE username = '{username}'"), _post(service, name, username)
    done = (
        f"SELECT 1 - (SELECT count(*) FROM users WHERE id = {user}) / 2.0"
        f" - (SELECT count(*) FROM posts WHERE id = {post}) / 2.0"
    )
    return Write(method="DELETE", path=f"/users/{user}/", body=None, caller=username, done=done)


def _user(service: Service, name: str) -> str:
    username = name.replace(" ", "_")
    body = {"username": username, "email": f"{username}@example.com", "password": SECRET}
    service.client.post("/users/", json=body).raise_for_status()
    return username


WRITES = (
    *(post_create, post_update, post_publish, post_delete, tag_create, tag_update, tag_delete),
    *(user_create, user_update, user_delete, token_obtain, token_refresh, token_blacklist),
)


@pytest.mark.parametrize("lost", list(Lost))
@pytest.mark.parametrize("prepare", WRITES, ids=lambda prepare: prepare.__name__)
def test_the_answer_says_what_the_tables_hold(
    service: Service, prepare: Callable[[Service, str], Write], lost: Lost
) -> None:
    cuts = 0
    for number in range(1, MOST_MESSAGES):
        write = prepare(service, f"{prepare.__name__} {lost.value} {number}")
        service.proxy.arm(number, lost)
        answer = service.send(write)
        cut = service.proxy.disarm()
        service.settle()
        done = service.one(write.done)
        where = f"cut at message {number}: {answer.status_code} {answer.text[:200]}"
        if answer.is_success:
            assert done == 1, where
        else:
            assert service.says_no(answer), where
            # Once PostgreSQL has the COMMIT, nobody can say no any more; only the answer is lost.
            is_committed = cut is not None and cut.at_commit and lost is Lost.ANSWER
            assert done in ({is_committed} if write.is_one_transaction else {False, is_committed}), where
        if cut is None:
            assert answer.is_success, where
            break
        # What comes next meets no broken connection.
        assert service.client.get("/tags/").status_code == httpx.codes.OK, where
        cuts += 1
    else:
        pytest.fail(f"a write has over {MOST_MESSAGES} messages")
    assert cuts >= 3, "the proxy saw hardly any message"
