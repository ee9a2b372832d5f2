"""Requests that schemathesis generates. Importing this takes a second, and needs what only `--openapi` needs."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis.config import SchemathesisConfig
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from strangler.compare.cases.message import kept_headers, secrets_in


@contextmanager
def chance_of_its_own() -> Iterator[None]:
    """What is drawn meanwhile depends on its seed alone.

    Hypothesis mixes in texts and numbers that it finds in the source of the program that runs, so that any change of
    it would change the cases; no setting keeps it from that. Its cache is thrown away instead of left where a person
    happens to work.
    """
    provider: Any = providers.HypothesisProvider
    found = provider.__dict__["_local_constants"]
    provider._local_constants = Constants()  # noqa: SLF001 - see above; a test notices when it is renamed
    providers.CONSTANTS_CACHE.cache.clear()
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(Path(folder))
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
            provider._local_constants = found  # noqa: SLF001 - the same
            providers.CONSTANTS_CACHE.cache.clear()


Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Drawn: TypeAlias = schemathesis.Case[Operation]
Change: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
"""Takes the values of the path and of the query, and gives those that are asked."""

_ADDRESS: Final = "http://side"
_BOUNDARY: Final = re.compile(r"boundary=\"?([\w'()+,./:=?-]+)")
_FIXED_BOUNDARY: Final = "strangler-boundary"


class OpenApiError(ValueError):
    """No OpenAPI document that schemathesis understands; the sentence is its own."""


@dataclass(frozen=True, kw_only=True)
class GeneratedRequest:
    """A request for the path and query of an address, one byte in each character."""

    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)


def operations_of(document: Mapping[str, Any], *, seed: int) -> list[Operation | None]:
    """The operations in the order of the document, None for one that schemathesis can't read.

    :raises DocumentError: it can't read any.
    """
    # Its settings are all here, so that no schemathesis.toml nearby changes what is made.
    config = SchemathesisConfig.from_dict({"seed": seed, "generation": {"with-security-parameters": False}})
    try:
        schema = schemathesis.openapi.from_dict(dict(document), config=config)
        operations = [result.ok() if isinstance(result, Ok) else None for result in schema.get_all_operations()]
    except (SchemathesisError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OpenApiError(str(error).partition("\n")[0].rstrip(".")) from error
    if not operations:
        raise OpenApiError("it has no operations")
    return operations


def requests_for(
    operation: Operation, *, seed: int, count: int, fitting: bool, change: Change
) -> tuple[list[GeneratedRequest], int]:
    """At most `count` requests that fit the document or that don't, and how many more can't be sent.

    Not every operation has requests that don't fit: then there are none.
    """
    mode = schemathesis.GenerationMode.POSITIVE if fitting else schemathesis.GenerationMode.NEGATIVE
    made: list[Drawn] = []
    if count < 1:
        return [], 0
    # What was made before it found no more is whole.
    with chance_of_its_own(), suppress(HypothesisException, SchemathesisError):
        _draw(operation, mode, made, seed=seed, count=count)
    sendable = [request for request in (_request(case, change) for case in made) if request]
    return sendable, len(made) - len(sendable)


def _draw(operation: Operation, mode: schemathesis.GenerationMode, made: list[Drawn], *, seed: int, count: int) -> None:
    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def draw(case: Drawn) -> None:
        made.append(case)

    draw()


def _request(case: Drawn, change: Change) -> GeneratedRequest | None:
    """The request as bytes; None where no HTTP can say it."""
    case.path_parameters, case.query = change(dict(case.path_parameters or {}), dict(case.query or {}))
    try:
        prepared = requests.Request(**case.as_transport_kwargs(base_url=_ADDRESS)).prepare()
        return _repeatable(prepared, tuple(secrets_in(case.body)))
    except (ValueError, TypeError, SchemathesisError):
        return None


def _repeatable(prepared: requests.PreparedRequest, secrets: tuple[str, ...]) -> GeneratedRequest:
    """Without what is drawn anew each time: the boundary of a form with parts, and schemathesis's own header."""
    headers = {name: _text(value) for name, value in prepared.headers.items()}
    body = prepared.body if isinstance(prepared.body, bytes) else str(prepared.body or "").encode()
    boundary = _BOUNDARY.search(headers.get("Content-Type", ""))
    if boundary:
        body = body.replace(boundary[1].encode(), _FIXED_BOUNDARY.encode())
        headers["Content-Type"] = headers["Content-Type"].replace(boundary[1], _FIXED_BOUNDARY)
    return GeneratedRequest(target=prepared.path_url, headers=kept_headers(headers.items()), body=body, secrets=secrets)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
