"""A side's OpenAPI document: its version, its lists, and ids that exist in them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from strangler.compare.case import Case
from strangler.compare.client.client import SideClient
from strangler.compare.client.errors import RequestError
from strangler.compare.client.response import Headers
from strangler.compare.json_values import NotJsonError, Number, json_parse
from strangler.errors import FailedError

KnownIds = Mapping[str, Sequence[str]]
"""The path of a list below an API's prefix, such as `/posts/`, with the ids of what it lists."""

_VARIABLE: Final = re.compile(r"\{([^{}/]+)\}")
# One of four requests keeps its generated id.
_SHARE: Final = 0.75


def lists_of(document: Any, *, prefix: str) -> tuple[str, ...]:  # noqa: ANN401 - whatever JSON it is
    """The lists of an OpenAPI document that other paths begin with, followed by a variable: they list ids.

    Empty where it is no such document.
    """
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return ()
    below = {str(path).removeprefix(prefix): item for path, item in paths.items()}
    lists = {path.partition("{")[0] for path in below if "{" in path}
    return tuple(sorted(path for path in lists if isinstance(below.get(path), dict) and "get" in below[path]))


def ids_in(body: str, *, limit: int = 50) -> tuple[str, ...]:
    """The ids of what a list answered, as DRF and most others write it: the items, or the items under `results`."""
    try:
        return tuple(dict.fromkeys(_ids(json_parse(body))))[:limit]
    except NotJsonError:
        return ()


def with_known_ids(template: str, values: Mapping[str, Any], known: KnownIds, random: Random) -> dict[str, Any]:
    """The path's values, most of them replaced by ids of the list that stands before the variable."""
    chosen = dict(values)
    for variable in _VARIABLE.finditer(template):
        ids = known.get(template[: variable.start()])
        if ids and random.random() < _SHARE:
            chosen[variable[1]] = random.choice(ids)
    return chosen


def _ids(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = next((value[key] for key in ("results", "items", "data") if key in value), None)
    for item in value if isinstance(value, list) else ():
        found = item.get("id") if isinstance(item, dict) else None
        if isinstance(found, str | Number):
            yield str(found)


# Where drf-spectacular, FastAPI, drf-yasg and others put it.
_PLACES: Final = ("/schema/?format=json", "/openapi.json", "/swagger.json", "/schema/", "/api-docs")
_ACCEPT: Final = (("Accept", "application/json, application/vnd.oai.openapi+json"),)


@dataclass(frozen=True, kw_only=True)
class OpenApiDocument:
    """A parsed document, what its paths begin with, and ids that exist by the path of their list."""

    content: dict[str, Any] = field(repr=False)
    prefix: str
    known: KnownIds = field(default_factory=dict, repr=False)

    @property
    def version(self) -> str:
        """The side's version; empty where the document has none."""
        info = self.content.get("info")
        return str(info.get("version") or "") if isinstance(info, dict) else ""


async def document_find(client: SideClient) -> OpenApiDocument:
    """The side's document, at one of the places where such documents are.

    :raises FailedError: there is none, or the side doesn't answer.
    """
    side = client.side
    for place in _PLACES:
        try:
            answer = (await client.send(Case(method="GET", target=place, headers=_ACCEPT))).answer
        except RequestError as failure:
            if failure.always:
                raise FailedError(f"{failure}", "start it, or name another address") from None
            continue
        content = _parsed(answer.body) if answer.status == 200 else None
        if content is not None:
            prefixes = {urlsplit(address).path for address in (side.url, side.links)}
            return OpenApiDocument(content=content, prefix=_prefix(content, prefixes))
    raise FailedError(f"{side.name} has no OpenAPI document at {_PLACES[0]} or {_PLACES[1]}", "use the other side's")


async def ids_find(client: SideClient, document: OpenApiDocument, credentials: Headers) -> KnownIds:
    """Ids of what the side lists; a list that doesn't answer has none."""
    known = {}
    for path in lists_of(document.content, prefix=document.prefix):
        try:
            answer = (await client.send(Case(method="GET", target=path), credentials=credentials)).answer
        except RequestError:
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
