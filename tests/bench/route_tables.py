"""Tables of many routes, and requests for each of them."""

from collections.abc import Iterator
from typing import Final

from strangler.routes.route import Route, Stage
from strangler.routes.table import RouteTable
from tests.bench.wrk import Request
from tests.example import PREFIXES

_STAGES: Final = (Stage.LEGACY, Stage.PARALLEL, Stage.CANARY, Stage.MIGRATED)


def table_of(count: int, *, prefix: str = "") -> RouteTable:
    """So many routes, five for each collection, at every stage by turns; `prefix` goes before every path."""
    return RouteTable(prefixes=PREFIXES, routes=tuple(_route(number, prefix) for number in range(count)))


def requests_of(table: RouteTable) -> Iterator[Request]:
    """A read of every route that has one, below both prefixes."""
    for prefix in ("/api", "/api/v2"):
        for route in table.routes:
            if route.safe:
                yield Request(path=prefix + route.path.replace("{id}", "12345").replace("{part}", "a-part"))


def _route(number: int, prefix: str) -> Route:
    collection, kind = divmod(number, 5)
    base = f"{prefix}/collection-{collection}/"
    path, method = (
        (base, "GET"),
        (base, "POST"),
        (f"{base}{{id}}/", "GET"),
        (f"{base}{{id}}/", "PUT"),
        (f"{base}{{id}}/items/{{part}}/", "GET"),
    )[kind]
    stage = _STAGES[collection % len(_STAGES)]
    percent = 10 if stage is Stage.CANARY else None
    return Route(name=f"collection_{collection}.r{kind}", methods=(method,), path=path, stage=stage, percent=percent)
