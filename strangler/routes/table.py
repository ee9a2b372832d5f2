"""The routes file (`nginx/routes.toml`) as a checked table."""

from dataclasses import dataclass, replace
from pathlib import Path

from strangler.routes.lines import Lines
from strangler.routes.mistakes import Mistake, RoutesError
from strangler.routes.prefixes import Prefixes
from strangler.routes.reading import RoutesReader
from strangler.routes.route import Fixed, RequestLimit, Route, RouteResource, Stack, Stage, group_by_path
from strangler.routes.syntax import content_decode, content_read, parse_toml, source_name


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """Every endpoint and the stage where it stands, as the routes file says."""

    routes: tuple[Route, ...]
    prefixes: Prefixes
    fixed: tuple[Fixed, ...] = ()
    throttles: tuple[RequestLimit, ...] = ()

    @property
    def resources(self) -> tuple[RouteResource, ...]:
        """The routes grouped by path."""
        return group_by_path(self.routes)

    @property
    def moved_writes(self) -> frozenset[str]:
        """The names of the routes by which FastAPI is sent writes, and the features that write behind fixed paths."""
        routes = {route.name for route in self.routes if route.writes and route.stage is not Stage.LEGACY}
        return frozenset(
            routes | {entry.feature for entry in self.fixed if entry.feature and entry.stack is Stack.FASTAPI}
        )

    @property
    def unused_features(self) -> frozenset[str]:
        """The features behind fixed paths that Django answers: FastAPI needs no rights for them yet."""
        return frozenset(entry.feature for entry in self.fixed if entry.feature and entry.stack is Stack.DJANGO)

    @property
    def needing_django(self) -> tuple[str, ...]:
        """The names of the routes that Django still answers for somebody."""
        over = (Stage.MIGRATED, Stage.RETIRED)
        return tuple(route.name for route in self.routes if route.stage not in over and not route.v2_only)

    @property
    def without_shadow(self) -> "RouteTable":
        """The table of a gateway that has no shadow worker beside it."""
        return replace(self, routes=tuple(replace(route, shadow=0) for route in self.routes))

    @property
    def without_django(self) -> "RouteTable":
        """The table of a system without Django: FastAPI answers both APIs, but for what is gone."""
        routes = (
            replace(
                route,
                stage=Stage.RETIRED if route.stage is Stage.RETIRED else Stage.MIGRATED,
                percent=None,
                shadow=0,
                fallback=False,
            )
            for route in self.routes
        )
        fixed = (replace(entry, stack=entry.cutover or entry.stack) for entry in self.fixed)
        fixed = (entry for entry in fixed if entry.stack is Stack.FASTAPI)
        return replace(self, routes=tuple(routes), fixed=tuple(fixed))


def load_routes(file: Path, *, prefixes: Prefixes) -> RouteTable:
    """The table in `file`.

    :raises UsageError: the file can't be read or says something that nginx could not serve.
    """
    source = source_name(file)
    return parse_routes(
        content_decode(content_read(file, source=source), source=source), source=source, prefixes=prefixes
    )


def parse_routes(text: str, *, source: str, prefixes: Prefixes) -> RouteTable:
    """The table in the text of a routes file; `source` is what errors call it.

    :raises RoutesError: it says something that nginx could not serve; names the lines.
    """
    lines = Lines(text)
    try:
        document = parse_toml(text, lines)
    except Mistake as mistake:
        raise RoutesError(source, [mistake]) from None
    reader = RoutesReader(document, lines if lines.fits(document) else None, prefixes)
    routes, fixed, throttles = reader.read()
    if reader.mistakes:
        raise RoutesError(source, reader.mistakes)
    return RouteTable(routes=routes, prefixes=prefixes, fixed=fixed, throttles=throttles)
