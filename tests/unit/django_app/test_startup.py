"""How the container of the legacy service waits for PostgreSQL."""

import psycopg
import pytest
from django.db import OperationalError

from django_app.config import startup
from django_app.config.startup import DatabaseAbsentError, database_open, database_wait

URL = "postgresql://owner:very-secret@db:5432/blog"


class Server:
    """Stands in for PostgreSQL: away for so many attempts."""

    def __init__(self, *, away: int) -> None:
        self.away = away
        self.attempts = 0

    def connect(self, url: str, *, connect_timeout: int) -> "Server":
        assert (url, connect_timeout) == (URL, 5)
        self.attempts += 1
        if self.attempts <= self.away:
            raise psycopg.OperationalError("connection failed:\nFATAL: the database system is starting up")
        return self

    def close(self) -> None:
        pass


def connect_to(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup.psycopg, "connect", server.connect)


def test_it_goes_on_once_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    server, slept = Server(away=3), []
    connect_to(server, monkeypatch)
    database_wait(url=URL, seconds=60, sleep=slept.append)
    assert server.attempts == 4
    assert slept == [startup.RETRY_S] * 3


def test_it_gives_up_with_one_sentence_that_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    connect_to(Server(away=1), monkeypatch)
    with pytest.raises(DatabaseAbsentError) as caught:
        database_wait(url=URL, seconds=0)
    assert str(caught.value) == (
        "The database did not answer within 0 s (FATAL: the database system is starting up):"
        " start it, or fix DATABASE_URL."
    )


class Connection:
    """Stands in for Django's connection."""

    def __init__(self, *, away: bool) -> None:
        self.away = away
        self.calls: list[str] = []

    def ensure_connection(self) -> None:
        self.calls.append("connect")
        if self.away:
            raise OperationalError("couldn't get a connection after 2.00 sec")

    def close(self) -> None:
        self.calls.append("close")


@pytest.mark.parametrize("away", [False, True])
def test_a_process_connects_when_it_starts_and_starts_without_a_database_too(
    *, away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(away=away)
    monkeypatch.setattr(startup, "connections", {"default": connection})
    database_open()
    assert connection.calls == ["connect", "close"]
