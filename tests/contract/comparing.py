"""Asks both stacks the same and says where the answers differ."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from strangler.compare import differ as equality
from strangler.compare.client.response import SideResponse
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.differ import ResponseDifference
from tests.example import DECLARED_FILE

V1, V2 = "/api", "/api/v2"
_SAFE = ("GET", "HEAD", "OPTIONS")
_TRIES = 10


@dataclass(frozen=True)
class Ask:
    """One request, for either API; `path` is below the prefix."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def __str__(self) -> str:
        shown = {name: value[:60] for name, value in self.headers.items()}
        return f"{self.method} {self.path} {shown or ''} {(self.body or b'')[:120]!r}"


class Comparison:
    """Collects the differences of many requests, so that one run shows all of them."""

    def __init__(self, front: httpx.Client) -> None:
        self._front = front
        self._declared = DeclaredDifferences(declared_differences(DECLARED_FILE))
        self.differences: list[str] = []
        self.compared = 0

    def ask(
        self, ask: Ask, of_v2: Ask | None = None, *, served_by: str | None = None
    ) -> tuple[httpx.Response, httpx.Response]:
        """Asks v1, then v2; `served_by` is the stack that must answer v2.

        `of_v2` is what v2 is asked instead, where a request can be made only once, such as the exchange of a token;
        the bodies are then compared by their keys and types.
        """
        first, second = self._send(V1, ask), self._send(V2, of_v2 or ask)
        tries = _TRIES if ask.method in _SAFE else 0
        # Other tests write meanwhile, and take back what they wrote: what either can't repeat tells nothing.
        while (
            tries
            and differences(first, second)
            and (differences(first, self._send(V1, ask)) or differences(second, self._send(V2, ask)))
        ):
            first, second = self._send(V1, ask), self._send(V2, ask)
            tries -= 1
        self.compared += 1
        assert first.headers["X-Served-By"] == "django"
        if served_by is not None:
            assert second.headers["X-Served-By"] == served_by, f"{ask} was answered by the wrong stack"
        found = differences(first, second, by_shape=of_v2 is not None)
        statuses = {"left": first.status_code, "right": second.status_code}
        undeclared = [*self._declared.undeclared(second.headers["X-Route"], found, **statuses)]
        self.differences.extend(f"{ask}: {each}" for each in undeclared)
        return first, second

    def show(self) -> None:
        """Fails with every difference found."""
        assert not self.differences, f"{len(self.differences)} differences:\n" + "\n".join(self.differences[:40])
        assert self.compared > 0

    def _send(self, prefix: str, ask: Ask) -> httpx.Response:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in ask.headers.items()]
        return self._front.request(ask.method, prefix + ask.path, headers=headers, content=ask.body)


def differences(first: httpx.Response, second: httpx.Response, *, by_shape: bool = False) -> list[ResponseDifference]:
    """Where two answers of the stacks differ; every kind counts here: order of keys and exact text too."""
    return equality.differences(_answer(first), _answer(second), by_shape=by_shape)


def key_shape(value: Any) -> Any:
    """A JSON value with its leaves replaced by their type: the same shape means the same keys in the same order."""
    if isinstance(value, dict):
        return [(name, key_shape(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [key_shape(item) for item in value]
    return type(value).__name__


def as_json(response: httpx.Response) -> Any:
    """The body, its keys in the order sent."""
    return json.loads(response.text)


def _answer(response: httpx.Response) -> SideResponse:
    return SideResponse(
        status=response.status_code,
        headers=tuple(response.headers.multi_items()),
        body=response.content,
        base=V2 if response.url.path.startswith(f"{V2}/") else V1,
    )
