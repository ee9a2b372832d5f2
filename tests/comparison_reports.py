"""Reports of comparisons as the collector makes them, for tests of what is made of them."""

import json
from collections.abc import Sequence
from typing import Any

from strangler.compare.client.response import SideResponse
from strangler.compare.costs import Histogram
from strangler.compare.differ import differences
from strangler.compare.redaction import Masker
from strangler.compare.report.model import (
    ComparisonReport,
    Example,
    Group,
    RouteReport,
    RowDifference,
    ShownResponse,
    SideReport,
    Timing,
)

CURL = "curl -si 'http://127.0.0.1:8001/api/posts/?page=2' -H \"Authorization: Bearer $TOKEN\""


def answer(value: Any, *, status: int = 200, base: str = "/api", **headers: str) -> SideResponse:
    named = (("content-type", "application/json"), *((name.replace("_", "-"), text) for name, text in headers.items()))
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", errors="surrogatepass")
    return SideResponse(status=status, headers=named, body=body, base=base)


def example(
    left: SideResponse, right: SideResponse, *, case: str = "a list", rows: Sequence[RowDifference] = ()
) -> Example:
    masker = Masker()
    shown = [
        ShownResponse(
            status=each.status,
            headers=tuple((name, masker.header(name, text)) for name, text in each.headers),
            body=masker.body(each.body, each.header("content-type") or ""),
        )
        for each in (left, right)
    ]
    places = tuple(masker.reported(each) for each in differences(left, right)[:50])
    return Example(
        case=case,
        source="posts.toml",
        caller="alice",
        curl=CURL,
        curl_right=CURL.replace("8001/api", "8002/api/v2"),
        left=shown[0],
        right=shown[1],
        places=places,
        rows=tuple(rows),
    )


def groups(*examples: Example) -> tuple[Group, ...]:
    found: dict[tuple[str, str], list[Example]] = {}
    for each in examples:
        rows = [("rows", ".".join(filter(None, (row.table, row.column)))) for row in each.rows]
        for key in dict.fromkeys([*((place.kind, place.pattern) for place in each.places), *rows]):
            found.setdefault(key, []).append(each)
    return tuple(
        Group(kind=kind, pattern=pattern, count=len(each), examples=tuple(each[:3]))
        for (kind, pattern), each in found.items()
    )


def timing(*seconds: float, statements: float | None = None, most: int | None = None) -> Timing:
    times = Histogram()
    for each in seconds:
        times.add(each)
    return Timing(
        p50=times.quantile(0.5),
        p95=times.quantile(0.95),
        p99=times.quantile(0.99),
        buckets=times.buckets,
        statements_median=statements,
        statements_max=most,
    )


def route(name: str, *found: Group, left: Timing | None = None, right: Timing | None = None) -> RouteReport:
    ratio = left.p50 / right.p50 if left and right else None
    return RouteReport(
        route=name,
        asked=100,
        equal=100 - len(found),
        different=len(found),
        declared=0,
        noise=0,
        failed=0,
        left=left,
        right=right,
        ratio=ratio,
        groups=found,
    )


def report_of(*routes: RouteReport, **more: Any) -> ComparisonReport:
    return ComparisonReport(
        left=SideReport(name="django", url="http://127.0.0.1:8001/api", version="1.0.0"),
        right=SideReport(name="fastapi", url="http://127.0.0.1:8002/api/v2", version="2.0.0"),
        started="2026-03-04T05:06:07Z",
        seconds=1.25,
        routes=routes,
        **more,
    )
