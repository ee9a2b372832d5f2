"""Addresses in answers are those that the client of the request knows."""

from types import SimpleNamespace
from typing import Any, ClassVar, cast
from uuid import UUID

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Uuid
from starlette.requests import Request

from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.fields.hyperlinks import (
    HyperlinkedField,
    HyperlinkedRelatedField,
    HyperlinksField,
    addresses,
    answered_request,
)
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.links import OneToMany
from strangler_fastapi.drf.validators import Invalid

NOTES = "/notes/{}/"


def asked(prefix: str | None = None, query: bytes = b"") -> Request:
    prefixes = ApiPrefixes(service="/api/v2", v1="/api", v2="/api/v2")
    headers = [(b"host", b"example.com"), (b"x-forwarded-proto", b"https")]
    headers += [(b"x-forwarded-prefix", prefix.encode())] if prefix else []
    app = SimpleNamespace(state=SimpleNamespace(prefixes=prefixes))
    return Request({"type": "http", "scheme": "http", "headers": headers, "app": app, "query_string": query})


@pytest.mark.parametrize(
    ("prefix", "query", "address"),
    [
        ("/api", b"", "https://example.com/api/notes/7/"),
        ("/api/v2", b"page=2", "https://example.com/api/v2/notes/7/"),
        (None, b"", "https://example.com/api/v2/notes/7/"),
        ("/elsewhere", b"", "https://example.com/api/v2/notes/7/"),
        ("/api", b"format=json", "https://example.com/api/notes/7/?format=json"),
    ],
)
def test_an_address_begins_as_the_request_did(prefix: str | None, query: bytes, address: str) -> None:
    request = asked(prefix, query)
    token = answered_request.set(request)
    try:
        assert HyperlinkedField(path=NOTES).representation()(7) == address
        many = HyperlinksField(path=NOTES, link=OneToMany(SimpleNamespace, "note_id", "id"))  # type: ignore[arg-type] # never read
        assert many.representation()([7]) == [address]
    finally:
        answered_request.reset(token)
    assert addresses(request, {"seven": "/notes/7/"}) == {"seven": address}


class Rows:
    """No row at all."""

    async def driver(self) -> "Rows":
        return self

    async def fetch(self, _statement: str, _key: object) -> list[Any]:
        return []


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("uuid", "x", "“x” is not a valid UUID."),
        ("uuid", str(UUID(int=1)), "Invalid hyperlink - Object does not exist."),
        ("bigint", "x", "Invalid hyperlink - Object does not exist."),
    ],
)
async def test_an_address_of_no_row_is_refused_as_by_drf(kind: str, name: str, sentence: str) -> None:
    class Note(Reflected):
        __mapping__ = Mapping()
        __tablename__ = "notes"
        id: ClassVar[Any] = Table("notes", MetaData(), Column("id", Uuid if kind == "uuid" else BigInteger)).c.id

    field = HyperlinkedRelatedField(path=NOTES, model=Note, key="id", type=kind, read_only=False)
    token = answered_request.set(asked())
    try:
        with pytest.raises(Invalid) as raised:
            await field.convert(f"/api/v2/notes/{name}/", Scope(session=cast("RequestSession", Rows())))
    finally:
        answered_request.reset(token)
    assert raised.value.detail == [sentence]


def test_a_slug_is_escaped_as_django_does() -> None:
    token = answered_request.set(asked("/api"))
    try:
        assert HyperlinkedField(path=NOTES).representation()("a b/ü") == "https://example.com/api/notes/a%20b/%C3%BC/"
    finally:
        answered_request.reset(token)
