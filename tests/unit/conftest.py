"""Unit tests open no sockets: who needs a server belongs into tests/integration or tests/e2e."""

import socket

import psycopg
import pytest

SENTENCE = "A unit test opened a socket: move it to tests/integration, or give it what it wanted to fetch."


class SocketOpenedError(AssertionError):
    """A unit test reached for the network or the database."""


def refuse(*_args: object, **_options: object) -> None:
    raise SocketOpenedError(SENTENCE)


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    # libpq opens its sockets in C; every way to connect with psycopg, pools too, comes through here.
    monkeypatch.setattr(psycopg.generators, "connect", refuse)
