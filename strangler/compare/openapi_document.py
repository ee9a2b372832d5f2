"""What a side tells of itself: its OpenAPI document, its version, and ids of what it lists."""

import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from strangler.compare.case import Case
from strangler.compare.cases.known_ids import KnownIds, ids_in, lists_of
from strangler.compare.client.client import Asker
from strangler.compare.client.errors import AskFailed
from strangler.compare.client.request import Headers
from strangler.errors import FailedError

# Where drf-spectacular, FastAPI, drf-yasg and others put it.
_PLACES: Final = ("/schema/?format=json", "/openapi.json", "/swagger.json", "/schema/", "/api-docs")
_ACCEPT: Final = (("Accept", "application/json, application/vnd.oai.openapi+json"),)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed document, what its paths begin with, and ids that exist by the path of their list."""

    content: dict[str, Any] = field(repr=False)
    prefix: str
    known: KnownIds = field(default_factory=dict, repr=False)

    @property
    def version(self) -> str:
        """What it says of the side's version; empty where it says nothing."""
        info = self.content.get("info")
        return str(info.get("version") or "") if isinstance(info, dict) else ""


async def document_find(asker: Asker) -> Document:
    """The side's document, at one of the places where such documents are.

    :raises FailedError: there is none, or the side doesn't answer.
    """
    side = asker.side
    for place in _PLACES:
        try:
            answer = (await asker.ask(Case(method="GET", target=place, headers=_ACCEPT))).answer
        except AskFailed as failure:
            if failure.always:
                raise FailedError(f"{failure}: start it, or name another address.") from None
            continue
        content = _parsed(answer.body) if answer.status == 200 else None
        if content is not None:
            prefixes = {urlsplit(address).path for address in (side.url, side.links)}
            return Document(content=content, prefix=_prefix(content, prefixes))
    raise FailedError(f"{side.name} has no OpenAPI document at {_PLACES[0]} or {_PLACES[1]}: take the other side's.")


async def ids_find(asker: Asker, document: Document, credentials: Headers) -> KnownIds:
    """Ids of what the side lists; a list that doesn't answer has none."""
    known = {}
    for path in lists_of(document.content, prefix=document.prefix):
        try:
            answer = (await asker.ask(Case(method="GET", target=path), credentials=credentials)).answer
        except AskFailed:
            continue
        known[path] = ids_in(answer.text)
    return known


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("paths"), dict) else None


def _prefix(content: dict[str, Any], prefixes: set[str]) -> str:
    """The longest that a path of the document begins with; else what its own servers' address ends with."""
    for prefix in sorted(prefixes, key=len, reverse=True):
        if prefix and any(str(path).startswith(f"{prefix}/") for path in content["paths"]):
            return prefix
    servers = content.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    address = first.get("url") if isinstance(first, dict) else ""
    return urlsplit(str(address)).path.rstrip("/")
