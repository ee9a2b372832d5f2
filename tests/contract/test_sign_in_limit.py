"""Sign-ins that fail are counted by the name that is given, by both stacks in one table, and refused alike."""

import re
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median

import httpx
import psycopg
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from shared_schema.sign_in import WINDOW, attempt_digest
from strangler_django.hashers import HashingBusy
from tests.contract.comparing import V1, V2
from tests.shared_stack import DEMO_PASSWORD, SIGN_IN_FAILURES, StackAddresses

PASSWORD = "correct horse battery staple"
LATE = timedelta(seconds=1)


@pytest.fixture
def rows(stack: StackAddresses) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def taken(front: httpx.Client) -> str:
    """The name of an account."""
    name = f"limited{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    front.post(f"{V1}/users/", json=body).raise_for_status()
    return name


@pytest.fixture
def free() -> str:
    """A name of nobody."""
    return f"nobody{secrets.token_hex(4)}"


def sign_in(front: httpx.Client, api: str, name: str, password: str = "wrong") -> httpx.Response:  # noqa: S107 - nobody's
    return front.post(f"{api}/auth/token/", json={"username": name, "password": password})


def count(rows: psycopg.Connection, name: str) -> int:
    row = rows.execute("SELECT count FROM strangler_sign_in_attempts WHERE digest = %s", (attempt_digest(name),))
    return sum(found for (found,) in row)


def set_count(rows: psycopg.Connection, name: str, *, since: datetime, count: int = SIGN_IN_FAILURES) -> None:
    rows.execute("DELETE FROM strangler_sign_in_attempts WHERE digest = %s", (attempt_digest(name),))
    statement = "INSERT INTO strangler_sign_in_attempts (digest, count, since) VALUES (%s, %s, %s)"
    rows.execute(statement, (attempt_digest(name), count, since))


@pytest.mark.parametrize("known", ["taken", "free"])
def test_both_stacks_count_every_name_in_one_row(
    known: str, front: httpx.Client, rows: psycopg.Connection, request: pytest.FixtureRequest
) -> None:
    name: str = request.getfixturevalue(known)
    for number, api in enumerate((V1, V2, V2, V1), 1):
        assert sign_in(front, api, name).status_code == 401
        assert count(rows, name) == number
    assert sign_in(front, V2, name.upper()).status_code == 401
    assert count(rows, name) == 5


@pytest.mark.parametrize("api", [V1, V2])
def test_a_sign_in_forgets_what_has_failed(api: str, front: httpx.Client, rows: psycopg.Connection, taken: str) -> None:
    sign_in(front, api, taken)
    assert count(rows, taken) == 1
    assert sign_in(front, api, taken, PASSWORD).status_code == 200
    assert count(rows, taken) == 0


@pytest.mark.parametrize("known", ["taken", "free"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_after_too_many_both_answer_429_whoever_it_is(
    known: str, password: str, front: httpx.Client, rows: psycopg.Connection, request: pytest.FixtureRequest
) -> None:
    name: str = request.getfixturevalue(known)
    set_count(rows, name, since=datetime.now(UTC) - WINDOW + timedelta(seconds=30))
    for api in (V1, V2):
        answer = sign_in(front, api, name, password)
        seconds = int(answer.headers["Retry-After"])
        assert 20 < seconds <= 30
        detail = f"Request was throttled. Expected available in {seconds} seconds."
        assert (answer.status_code, answer.json()) == (429, {"detail": detail})
    assert count(rows, name) == SIGN_IN_FAILURES


@pytest.mark.parametrize("api", [V1, V2])
def test_the_last_that_may_fail_is_answered(api: str, front: httpx.Client, rows: psycopg.Connection, free: str) -> None:
    set_count(rows, free, since=datetime.now(UTC), count=SIGN_IN_FAILURES - 1)
    assert [sign_in(front, api, free).status_code for _ in range(2)] == [401, 429]


@pytest.mark.parametrize("api", [V1, V2])
def test_what_is_long_ago_counts_no_more_and_is_removed(
    api: str, front: httpx.Client, rows: psycopg.Connection, taken: str, free: str
) -> None:
    set_count(rows, taken, since=datetime.now(UTC) - WINDOW - LATE)
    set_count(rows, free, since=datetime.now(UTC) - 2 * WINDOW)
    assert sign_in(front, api, taken, PASSWORD).status_code == 200
    assert (count(rows, taken), count(rows, free)) == (0, 0)


@pytest.mark.parametrize("api", [V1, V2])
def test_a_request_that_names_nobody_is_not_counted(api: str, front: httpx.Client, rows: psycopg.Connection) -> None:
    assert front.post(f"{api}/auth/token/", json={"username": "", "password": "wrong"}).status_code == 400
    assert count(rows, "") == 0


def test_the_admins_sign_in_counts_in_the_same_row(stack: StackAddresses, rows: psycopg.Connection, free: str) -> None:
    def page(client: httpx.Client, name: str, password: str) -> str:
        form = client.get("/admin/login/").raise_for_status().text
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        body = {"username": name, "password": password, "csrfmiddlewaretoken": token}
        return client.post("/admin/login/?next=/admin/", data=body, headers={"Referer": stack.proxy_url}).text

    with httpx.Client(base_url=stack.proxy_url) as client:
        assert "Please enter the correct" in page(client, free, "wrong")
        assert count(rows, free) == 1
        set_count(rows, free, since=datetime.now(UTC))
        assert re.search(r"Too many attempts: try again in \d+ seconds\.", page(client, free, "wrong"))
        set_count(rows, "admin", since=datetime.now(UTC), count=1)
        page(client, "admin", DEMO_PASSWORD)
        assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("stored", ["", "!unusable", "md5$broken", "pbkdf2_sha256$x", "bcrypt$2b$12$x", "argon2$é"])
def test_a_stored_hash_that_is_none_is_a_wrong_password(
    stored: str, front: httpx.Client, rows: psycopg.Connection, taken: str
) -> None:
    rows.execute("UPDATE users SET password = %s WHERE username = %s", (stored, taken))
    answers = [sign_in(front, api, taken, PASSWORD) for api in (V1, V2)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


@pytest.mark.long
def test_sign_ins_that_v1_has_no_room_for_leave_it_to_other_requests(front: httpx.Client, free: str) -> None:
    """In each of two processes, of four threads, one hashes and two wait; more used to hold every thread for 14 s."""
    with ThreadPoolExecutor(30) as pool:
        asked = [pool.submit(sign_in, front, V1, f"{free}{number}") for number in range(30)]
        reads = []
        while not all(future.done() for future in asked):
            begun = time.perf_counter()
            assert front.get(f"{V1}/feed/").status_code == 200
            reads.append(time.perf_counter() - begun)
    answers = [future.result() for future in asked]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {401, 503}
    assert len(refused) > 10
    assert {answer.headers["Retry-After"] for answer in refused} == {"5"}
    assert {answer.json()["detail"] for answer in refused} == {str(HashingBusy.default_detail)}
    # Where none has room, there is one read, which takes all the time; one of many may be held up by the machine.
    assert median(reads) < 3


@pytest.mark.long
@pytest.mark.parametrize("api", [V1, V2])
def test_an_unknown_name_takes_the_time_of_a_known_one(
    api: str, front: httpx.Client, rows: psycopg.Connection, taken: str
) -> None:
    """The hash takes far more than Argon2's, and all of the time but for what else the machine does meanwhile: that
    only adds to a request, and may add to one of several in turn. Where the name decides, no pair ever comes near."""
    encoded = PBKDF2PasswordHasher().encode(PASSWORD, "salt" * 6, iterations=4_000_000)
    rows.execute("UPDATE users SET password = %s WHERE username = %s", (encoded, taken))

    def seconds(name: str) -> float:
        begun = time.perf_counter()
        assert sign_in(front, api, name).status_code == 401
        return time.perf_counter() - begun

    # In every collation, the next name behind the shorter one is the one that was made.
    known, other = [], []
    for _ in range(6):
        known.append(seconds(taken))
        other.append(seconds(taken[:-1]))
        if 0.6 < min(known) / min(other) < 1.6:
            return
    raise AssertionError(f"known {known} s, unknown {other} s")
