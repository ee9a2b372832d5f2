"""The same writes on both stacks: the same answers, and the same rows in every table."""

import json
import re
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from django.contrib.auth.hashers import check_password

from tests.contract.bodies import FORM, JSON, MULTIPART, as_json, multipart
from tests.contract.comparing import V1, V2
from tests.contract.rows import rows_of
from tests.shared_stack import StackAddresses

PASSWORD = "correct horse battery staple"


class Player:
    """Plays a scenario on one API, under names that no other test uses; keeps what was answered."""

    def __init__(self, client: httpx.Client, prefix: str, stack: StackAddresses, staff: str) -> None:
        self.marker = f"p{secrets.token_hex(4)}"
        self.stack = stack
        self.answers: list[tuple[int, Any]] = []
        self._client = client
        self._prefix = prefix
        self._tokens: dict[str, str] = {"staff": staff}

    def register(self, name: str) -> int:
        """A user who is signed in from now on."""
        folded = unicodedata.normalize("NFKC", self.marker + name)
        body = {"username": self.marker + name, "email": f"{folded}@Example.COM", "password": PASSWORD}
        self.send("POST", "/users/", None, JSON, json.dumps(body).encode())
        credentials = {"username": folded, "password": PASSWORD}
        signed = self._client.post(f"{self._prefix}/auth/token/", json=credentials).raise_for_status().json()
        self._tokens[name] = signed["access"]
        return self._id

    def send(self, method: str, path: str, who: str | None, headers: dict[str, str], body: bytes = b"") -> int:
        """Sends a request; returns the id that the answer holds."""
        credentials = {"Authorization": f"Bearer {self._tokens[who]}"} if who else {}
        response = self._client.request(method, self._prefix + path, headers=credentials | headers, content=body)
        assert response.headers["X-Served-By"] == {V1: "django", V2: "fastapi"}[self._prefix]
        self.answers.append((response.status_code, self._anonymous(response.text)))
        self._id: int = response.json().get("id", 0) if response.content else 0
        return self._id

    def execute(self, statement: str, *values: object) -> list[Any]:
        """Runs SQL as the owner of the tables."""
        with psycopg.connect(self.stack.owner_dsn) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def rows(self) -> dict[str, list[Any]]:
        return rows_of(self.stack.owner_dsn, self.marker)

    def _anonymous(self, text: str) -> str:
        text = text.replace(self.marker, "")
        text = re.sub(r'"created_at":"[^"]{20,27}Z"', '"created_at":"…"', text)
        return re.sub(r'"id":\d+', '"id":0', text)


Scenario = Callable[[Player], None]


def posts(player: Player) -> None:
    player.register("ann")
    tag = player.marker
    body = as_json(title=" First ", content="text", published=True, tags=[f"{tag}b", f"{tag}a", f"{tag}b", f" {tag}c "])
    first = player.send("POST", "/posts/", "ann", JSON, body)
    second = player.send(
        "POST", "/posts/", "ann", JSON, as_json(title=5, content=1.5, id=7, author=3, created_at="x", more=[])
    )
    third = player.send(
        "POST", "/posts/", "ann", FORM, f"title=Form&content=c&tags={tag}a&tags={tag}d&published=on".encode()
    )
    player.send("POST", "/posts/", "ann", FORM, f"title=Form2&content=c&tags[1]={tag}z&tags[0]={tag}a".encode())
    player.send(
        "POST", "/posts/", "ann", MULTIPART, multipart(("title", "Many é"), ("content", "x"), ("tags", f"{tag}é"))
    )
    player.send("PATCH", f"/posts/{first}/", "ann", JSON, as_json(tags=[f"{tag}a", f"{tag}new"]))
    player.send("PATCH", f"/posts/{first}/", "ann", JSON, b"{}")
    player.send("PATCH", f"/posts/{first}/?view=minimal", "ann", JSON, as_json(title="Changed"))
    player.send("PUT", f"/posts/{second}/", "ann", JSON, as_json(title="Put", content="again", published="t"))
    player.send("PUT", f"/posts/{third}/", "ann", JSON, as_json(title="Third", content="c"))
    player.send("PUT", f"/posts/{third}/", "ann", FORM, b"title=Third+form&content=c")
    player.send("PUT", f"/posts/{third}/", "ann", JSON, as_json(title="Third", content="c", tags=[]))
    player.send("POST", f"/posts/{third}/publish/", "ann", {"Content-Type": "text/plain"}, b"never read")
    player.send("POST", f"/posts/{third}/publish/", "ann", JSON, b"{bad")
    player.send("PATCH", f"/posts/{third}/", "ann", FORM, b"published=false")
    player.send("PATCH", f"/posts/{third}/?tag=nope", "ann", JSON, as_json(title="filtered away"))
    player.send("DELETE", f"/posts/{first}/", "ann", {})
    player.send("DELETE", f"/posts/{first}/", "ann", {})


def strangers(player: Player) -> None:
    player.register("ann")
    player.register("ben")
    post = player.send("POST", "/posts/", "ann", JSON, as_json(title="Ann's", content="text"))
    for who in (None, "ben", "staff"):
        player.send("PUT", f"/posts/{post}/", who, JSON, as_json(title="stolen", content="text"))
        player.send("POST", f"/posts/{post}/publish/", who, JSON)
        player.send("DELETE", f"/posts/{post}/", who, {})


def users(player: Player) -> None:
    ann = player.register("ann")
    ben = player.register("ben")
    player.register("ｎｆｋｃ")
    player.send(
        "PATCH", "/users/me/", "ann", JSON, as_json(username=f"{player.marker}anna", email=f"{player.marker}@X.ORG")
    )
    player.send("PATCH", "/users/me/", "ann", JSON, as_json(password="another long one 77", old_password=PASSWORD))
    player.send("PATCH", f"/users/{ben}/", "ann", JSON, as_json(username="no"))
    player.send("PATCH", f"/users/{ben}/", "staff", FORM, f"username={player.marker}benno".encode())
    player.send("PATCH", f"/users/{ben}/", "staff", JSON, as_json(is_staff=True, is_superuser=True, id=1))
    passwords = {"password": PASSWORD + "!", "old_password": "another long one 77"}
    body = as_json(username=f"{player.marker}ann", email=f"{player.marker}ann@b.org", **passwords)
    player.send("PUT", f"/users/{ann}/", "ann", JSON, body)
    player.send("PUT", f"/users/{ann}/", "ben", JSON, body)
    player.send("PUT", f"/users/{ben}/", "ben", JSON, body)


def tags(player: Player) -> None:
    player.register("ann")
    tag = player.send("POST", "/tags/", "ann", JSON, as_json(name=f" {player.marker}one "))
    player.send("POST", "/tags/", "ann", JSON, as_json(name=f"{player.marker}one"))
    other = player.send("POST", "/tags/", "ann", FORM, f"name={player.marker}two".encode())
    post = player.send("POST", "/posts/", "ann", JSON, as_json(title="t", content="c", tags=[f"{player.marker}one"]))
    player.send("PATCH", f"/tags/{tag}/", "ann", JSON, as_json(name="no"))
    player.send("PATCH", f"/tags/{tag}/", "staff", JSON, as_json(name=f"{player.marker}renamed"))
    player.send("PUT", f"/tags/{tag}/", "staff", JSON, as_json(name=f"{player.marker}two"))
    player.send("PUT", f"/tags/{tag}/", "staff", JSON, as_json(name=f"{player.marker}renamed"))
    player.send("DELETE", f"/tags/{other}/", "ann", {})
    player.send("GET", f"/posts/{post}/", "ann", {})
    player.send("DELETE", f"/tags/{tag}/", "staff", {})
    player.send("GET", f"/posts/{post}/", "ann", {})


@pytest.mark.parametrize("scenario", [posts, strangers, users, tags], ids=lambda scenario: scenario.__name__)
def test_both_stacks_answer_alike_and_leave_the_same_rows(
    parallel: httpx.Client, stack: StackAddresses, access_tokens: dict[str, str], scenario: Scenario
) -> None:
    played = []
    for prefix in (V1, V2):
        player = Player(parallel, prefix, stack, access_tokens["admin"])
        scenario(player)
        played.append(player)
    for number, (first, second) in enumerate(zip(played[0].answers, played[1].answers, strict=True)):
        assert first == second, f"step {number}"
    rows = [player.rows() for player in played]
    assert rows[0]["users"]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("prefix", [V1, V2])
def test_a_changed_password_is_the_new_one(
    parallel: httpx.Client, stack: StackAddresses, access_tokens: dict[str, str], prefix: str
) -> None:
    player = Player(parallel, prefix, stack, access_tokens["admin"])
    ann = player.register("ann")
    player.send("PATCH", "/users/me/", "ann", JSON, as_json(password="  kept as typed 77  ", old_password=PASSWORD))
    ((stored,),) = player.execute("SELECT password FROM users WHERE id = %s", ann)
    assert check_password("  kept as typed 77  ", stored)
    assert not check_password("kept as typed 77", stored)


def test_deleting_a_user_takes_along_what_django_would(
    parallel: httpx.Client, stack: StackAddresses, access_tokens: dict[str, str]
) -> None:
    left = []
    for prefix in (V1, V2):
        player = Player(parallel, prefix, stack, access_tokens["admin"])
        ann, ben = player.register("ann"), player.register("ben")
        player.send("POST", "/posts/", "ann", JSON, as_json(title="t", content="c", tags=[f"{player.marker}tag"]))
        player.send("POST", "/posts/", "ben", JSON, as_json(title="b", content="c", tags=[f"{player.marker}tag"]))
        _give_admin_rows(player, ann)
        _give_admin_rows(player, ben)
        player.execute(
            "INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) "
            "SELECT id, now() FROM token_blacklist_outstandingtoken WHERE user_id = %s",
            ann,
        )
        tokens = [
            row[0] for row in player.execute("SELECT id FROM token_blacklist_outstandingtoken WHERE user_id = %s", ann)
        ]
        player.send("DELETE", f"/users/{ann}/", "ben", {})
        player.send("DELETE", f"/users/{ann}/", "ann", {})
        player.send("DELETE", f"/users/{ann}/", "staff", {})
        orphans = player.execute(
            "SELECT user_id, (SELECT count(*) FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id) "
            "FROM token_blacklist_outstandingtoken o WHERE id = ANY(%s)",
            tokens,
        )
        left.append((player.answers, player.rows(), orphans))
    assert left[0] == left[1]
    answers, rows, orphans = left[0]
    assert [status for status, _ in answers[-3:]] == [403, 204, 404]
    assert [user["username"] for user in rows["users"]] == ["ben"]
    assert len(rows["django_admin_log"]) == len(rows["users_groups"]) == len(rows["users_user_permissions"]) == 1
    assert [post["title"] for post in rows["posts"]] == ["b"]
    assert orphans == [(None, 1)]


def _give_admin_rows(player: Player, user: int) -> None:
    player.execute(
        "INSERT INTO django_admin_log (action_time, user_id, object_repr, action_flag, change_message) "
        "VALUES (now(), %s, 'x', 1, '')",
        user,
    )
    player.execute("INSERT INTO auth_group (name) VALUES ('contract') ON CONFLICT DO NOTHING")
    player.execute(
        "INSERT INTO users_groups (user_id, group_id) SELECT %s, id FROM auth_group WHERE name = 'contract'", user
    )
    player.execute(
        "INSERT INTO users_user_permissions (user_id, permission_id) SELECT %s, min(id) FROM auth_permission",
        user,
    )


def test_of_eight_registrations_at_once_one_succeeds_on_v2(parallel: httpx.Client) -> None:
    name = f"race{secrets.token_hex(4)}"

    def register(_: int) -> httpx.Response:
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        return parallel.post(f"{V2}/users/", json=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(register, range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7
    for answer in answers:
        if answer.status_code == 400:
            assert answer.json().get("username", ["A user with that username already exists."]) == [
                "A user with that username already exists."
            ]


def test_of_eight_equal_tags_at_once_one_is_made_and_posts_share_it_on_v2(
    parallel: httpx.Client, access_tokens: dict[str, str]
) -> None:
    name = f"race{secrets.token_hex(4)}"
    alice = {"Authorization": f"Bearer {access_tokens['alice']}"}

    def add(number: int) -> httpx.Response:
        if number % 2:
            return parallel.post(f"{V2}/tags/", json={"name": name}, headers=alice)
        return parallel.post(f"{V2}/posts/", json={"title": name, "content": "c", "tags": [name]}, headers=alice)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(add, range(8)))
    assert all(answer.status_code == 201 for answer in answers[::2])
    assert all(answer.status_code in (201, 400) for answer in answers[1::2])
    assert parallel.get(f"{V2}/tags/?search={name}").json()["results"][0]["post_count"] == 4
