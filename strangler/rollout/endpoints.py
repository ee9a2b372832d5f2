"""The endpoints of a stack, by the OpenAPI document that it publishes."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from strangler.errors import FailedError
from strangler.rollout.swagger import as_openapi, is_swagger

# drf-spectacular builds its document for each request: a second for some hundred endpoints.
_SECONDS: Final = 30.0
_METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, order=True)
class ApiEndpoint:
    """A method at a public path, as the document writes it."""

    path: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def document_read(address: str, *, gateway_url: str, host: str) -> Any:  # noqa: ANN401 - whatever JSON it is
    """The document at `address`: a path on the gateway, a URL, or a file of this machine; Swagger 2.0 as OpenAPI 3.

    `host` is the Host header, since Django refuses names outside ALLOWED_HOSTS.

    :raises FailedError: it can't be read, or is no JSON.
    """
    is_path = address.startswith("/") and not Path(address).is_file()
    if is_path or address.startswith(("http://", "https://")):
        url = urljoin(gateway_url, address)
        content = _fetch(url, headers={"Host": host} if is_path else {})
    else:
        content = _load(Path(address))
    try:
        document = json.loads(content)
        return as_openapi(document) if is_swagger(document) else document
    except (ValueError, RecursionError) as error:
        raise FailedError(f"{address} is no JSON", "pass the address of an OpenAPI document in JSON") from error


def endpoints_of(document: Any, *, prefix: str) -> frozenset[ApiEndpoint]:  # noqa: ANN401 - whatever JSON it is
    """What the document of a service lists, whose paths begin with `prefix`.

    Where its paths are relative to a server's path (`/api`), they are made whole.

    :raises ValueError: it is no OpenAPI document.
    """
    try:
        paths: dict[str, dict[str, Any]] = document["paths"]
        base = _base(document, paths, prefix)
        return frozenset(
            ApiEndpoint(path=base + path, method=method.upper())
            for path, item in paths.items()
            for method in item
            if method in _METHODS
        )
    except (AttributeError, KeyError, TypeError) as error:
        message = "it has no paths with methods"
        raise ValueError(message) from error


def path_key(path: str) -> str:
    """The path without the names of its variables and its last slash: equal where nginx finds the same route."""
    return re.sub(r"\{[^{}/]*\}", "{}", path).rstrip("/")


def _base(document: dict[str, Any], paths: Collection[str], prefix: str) -> str:
    if any(path.startswith(f"{prefix}/") for path in paths):
        return ""
    servers = document.get("servers") or [{}]
    return urlsplit(str(servers[0].get("url", ""))).path.rstrip("/")


def _fetch(url: str, *, headers: dict[str, str]) -> bytes:
    # Imported here, since most commands that import this module read no document.
    import httpx

    # drf-spectacular's, whoever has JSON, and drf-yasg's, whose own media type is chosen by its path.
    accepted = {"Accept": "application/vnd.oai.openapi+json, application/json;q=0.9, */*;q=0.1"}
    try:
        response = httpx.get(url, headers=headers | accepted, timeout=_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise FailedError(f"{url} can't be read ({reason})", "check the stack with strangler status") from error
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        hint = "let everybody read it, or take openapi out of [django]: its views are read then"
        raise FailedError(f"{url} answers {response.status_code} to a caller who hasn't signed in", hint)
    if response.status_code != httpx.codes.OK:
        hint = "check the stack with strangler status, or pass the address of its OpenAPI document"
        raise FailedError(f"{url} answers {response.status_code}", hint)
    return response.content


def _load(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except (OSError, ValueError) as error:
        raise FailedError(f"{file} can't be read ({error})", "pass an OpenAPI document") from error
