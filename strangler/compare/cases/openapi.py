"""Cases made from an OpenAPI document: values that fit it, and values that don't."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from strangler.compare.case import Case
from strangler.compare.cases.openapi_document import KnownIds, with_known_ids
from strangler.compare.cases.router import Router
from strangler.errors import UsageError
from strangler.routes.table import RouteTable

if TYPE_CHECKING:
    from strangler.compare.cases.generator import GeneratedRequest, Operation

UNREADABLE: Final = "operations of the document that schemathesis can't read"
UNMADE: Final = "operations of the document that no request could be made for"
UNSAFE: Final = "operations of the document that may write"
ELSEWHERE: Final = "operations of the document below another prefix"
FIXED: Final = "operations of the document that only one stack answers"
STREAMING: Final = "operations of the document whose answer has no end"
UNSENDABLE: Final = "made requests that can't be sent"
OFF_ROUTE: Final = "made requests that nginx takes for another route"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Generation:
    """How cases are made; the same values make the same cases of the same document.

    Attributes:
        prefix: what the document's paths begin with, such as `/api`; targets are below it.
        seed: what chance begins with.
        per_operation: at most so many requests for each method of a path, half of them against the document.
        callers: users whose tokens requests carry, in turn; empty for none.
        known: ids that exist, which most paths with a variable then have.
        without: query parameters that are left out, such as those that one side alone knows.
        writes: whether operations that may write are included.
    """

    prefix: str
    seed: int = 0
    per_operation: int = 10
    callers: Sequence[str] = ()
    known: KnownIds = field(default_factory=dict)
    without: Collection[str] = ()
    writes: bool = False


def cases_from_openapi(
    document: Mapping[str, Any], table: RouteTable, generation: Generation, *, skipped: Counter[str]
) -> Iterator[Case]:
    """Requests for each operation of the document in its order, none twice; generated lazily.

    Args:
        document: the parsed document.
        table: gives the routes their names.
        generation: how.
        skipped: counts what is no case, by reason.

    :raises UsageError: schemathesis isn't installed, or doesn't understand the document.
    """
    generator = _generator()
    try:
        operations = generator.operations_of(document, seed=generation.seed)
    except generator.OpenApiError as error:
        hint = "fix it, or use the other side's"
        raise UsageError(f"the OpenAPI document can't be understood ({error})", hint) from None
    maker = _Maker(generator, generation, Router(table), skipped)
    for operation in operations:
        yield from maker.cases(operation)


def _generator() -> ModuleType:
    try:
        from strangler.compare.cases import generator
    except ImportError as error:
        hint = "install it with .venv/bin/python -m pip install -r requirements/compare.txt"
        raise UsageError("cases from an OpenAPI document need schemathesis, which isn't installed", hint) from error
    return generator


@dataclass(frozen=True)
class _Maker:
    generator: ModuleType
    generation: Generation
    router: Router
    skipped: Counter[str]

    def cases(self, operation: "Operation | None") -> list[Case]:
        """The cases of an operation; where it has none, the reason is counted."""
        reason = self._reason(operation)
        cases = [] if reason or operation is None else self._cases(operation)
        if not cases:
            self.skipped[reason or UNMADE] += 1
        return cases

    def _reason(self, operation: "Operation | None") -> str:
        """Why an operation is left out; empty if it isn't."""
        if operation is None:
            return UNREADABLE
        method, path = operation.method.upper(), operation.full_path
        if not path.startswith(f"{self.generation.prefix}/"):
            return ELSEWHERE
        template = path.removeprefix(self.generation.prefix)
        if self.router.is_fixed(template):
            return FIXED
        route = self.router.route_of(method, template)
        if route and route.streaming:
            return STREAMING
        return "" if self.generation.writes or method in _SAFE else UNSAFE

    def _cases(self, operation: "Operation") -> list[Case]:
        prefix = self.generation.prefix
        method, template = operation.method.upper(), operation.full_path.removeprefix(prefix)
        made, unsendable = self._made(operation, template)
        expected = self.router.name_of(method, template)
        cases = [
            Case(
                method=method,
                target=request.target.removeprefix(prefix),
                headers=request.headers,
                body=request.body,
                caller=caller,
                route=self.router.name_of(method, request.target.removeprefix(prefix)),
                source=f"OpenAPI, {method} {template}",
                secrets=request.secrets,
            )
            for request, caller in zip(made, cycle(self.generation.callers or ("",)), strict=False)
        ]
        kept = [case for case in cases if case.route == expected]
        # Only what there is: a reason that is counted none times is none.
        self.skipped.update(+Counter({UNSENDABLE: unsendable, OFF_ROUTE: len(cases) - len(kept)}))
        return kept

    def _made(self, operation: "Operation", template: str) -> tuple[list["GeneratedRequest"], int]:
        """Each request once, and how many can't be sent."""
        generation = self.generation
        # Each operation has chance of its own, so that another one in the document leaves its requests as they are.
        random = Random(f"{generation.seed} {operation.method} {template}")  # noqa: S311 - repeatable on purpose

        def change(path: dict[str, Any], query: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
            kept = {key: value for key, value in query.items() if key not in generation.without}
            return with_known_ids(template, path, generation.known, random), kept

        fitting = -(-generation.per_operation // 2)
        halves = [
            self.generator.requests_for(operation, seed=generation.seed, count=count, fitting=fits, change=change)
            for fits, count in ((True, fitting), (False, generation.per_operation - fitting))
        ]
        made = dict.fromkeys(request for requests, _ in halves for request in requests)
        return list(made), sum(unsendable for _, unsendable in halves)
