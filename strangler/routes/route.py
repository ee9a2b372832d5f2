"""A route: one endpoint of the API, and which stack answers it at each stage."""

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum


class Stack(StrEnum):
    """One of the two services behind the gateway."""

    DJANGO = "django"
    FASTAPI = "fastapi"


class Api(StrEnum):
    """The API version that a client requests: the prefix of the path says which."""

    V1 = "v1"
    V2 = "v2"


class Answer(StrEnum):
    """What the gateway does with a request: hand it to one stack, to either by caller, or say that it is gone."""

    DJANGO = "django"
    FASTAPI = "fastapi"
    SPLIT = "split"
    GONE = "gone"


class Stage(StrEnum):
    """Where a route stands on its way from Django to FastAPI, in the order of the way."""

    LEGACY = "legacy"
    PARALLEL = "parallel"
    CANARY = "canary"
    MIGRATED = "migrated"
    RETIRED = "retired"

    @property
    def position(self) -> int:
        """How far along the way the stage is, from 0."""
        return tuple(Stage).index(self)

    def answers(self, api: Api) -> Answer:
        """Who answers `api` at this stage."""
        if self is Stage.LEGACY:
            return Answer.DJANGO
        if api is Api.V2:
            return Answer.FASTAPI
        return {
            Stage.PARALLEL: Answer.DJANGO,
            Stage.CANARY: Answer.SPLIT,
            Stage.MIGRATED: Answer.FASTAPI,
            Stage.RETIRED: Answer.GONE,
        }[self]


@dataclass(frozen=True, kw_only=True)
class RequestLimit:
    """A limit on one client address, in nginx's own terms (`limit_req`).

    `rate` is requests per second or minute (`10r/s`, `30r/m`); `burst` more are let through before the first 429.
    """

    name: str
    rate: str
    burst: int

    @property
    def retry_after(self) -> int:
        """Whole seconds until the next request is let through."""
        count, unit = re.fullmatch(r"(\d+)r/([sm])", self.rate).groups()  # type: ignore[union-attr] # checked on load
        return max(1, -(-(60 if unit == "m" else 1) // int(count)))


@dataclass(frozen=True, kw_only=True)
class Route:
    """One endpoint. `path` is below the API prefix, `{name}` in it stands for one segment without a dot.

    The segment's pattern is that of DRF's routers (`lookup_value_regex`). `percent` of the callers are FastAPI's at
    stage canary. `shadow` is the percentage of safe requests that are requested of both stacks in the background.
    With `fallback`, Django answers what FastAPI can't, GET and HEAD only. v1 is `deprecated` from one day on and ends
    at another (`sunset`), both in UTC. A `streaming` route's answer goes on for as long as the client listens.
    A `v2_only` route is an addition of v2: Django has no such endpoint, so nothing sends it there.
    `line` is where the routes file names it.
    """

    name: str
    methods: tuple[str, ...]
    path: str
    stage: Stage
    percent: float | None = None
    shadow: float = 0
    fallback: bool = False
    deprecated: dt.date | None = None
    sunset: dt.date | None = None
    throttle: str | None = None
    streaming: bool = False
    v2_only: bool = False
    line: int = field(default=0, compare=False)

    @property
    def place(self) -> tuple[int, float]:
        """How far the route is on its way to FastAPI: the stage, then the share of callers."""
        return self.stage.position, self.percent or 0.0

    @property
    def served_methods(self) -> tuple[str, ...]:
        """The methods with HEAD where GET is."""
        return tuple(m for method in self.methods for m in ((method, "HEAD") if method == "GET" else (method,)))

    @property
    def safe(self) -> bool:
        """Whether the route answers GET, and so HEAD."""
        return "GET" in self.methods

    @property
    def writes(self) -> bool:
        """Whether the route may change rows."""
        return bool(set(self.methods) - {"GET"})


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A path that belongs to one stack and never moves; one that ends in `/` covers everything below it.

    `throttle` limits it as it does a route. `cutover` is who answers it once the system runs without Django: nobody
    where it is None and `stack` is Django. `feature` is that of FastAPI's consumer file that writes behind the path:
    its rights to write are granted where FastAPI answers it. `line` is where the routes file names it.
    """

    name: str
    path: str
    stack: Stack
    throttle: str | None = None
    cutover: Stack | None = None
    feature: str | None = None
    line: int = field(default=0, compare=False)

    @property
    def locations(self) -> tuple[str, ...]:
        """What nginx matches. A folder's twin without the slash keeps nginx from redirecting by itself."""
        return (self.path, f"= {self.path[:-1]}") if self.path.endswith("/") else (f"= {self.path}",)


@dataclass(frozen=True, kw_only=True)
class RouteResource:
    """All routes of one path. nginx chooses a location by path, then a route by method."""

    path: str
    routes: tuple[Route, ...]

    @property
    def pattern(self) -> str | None:
        """A regular expression for the path with or without its last slash; None where it has no `{name}`."""
        if "{" not in self.path:
            return None
        pieces = re.split(r"\{[a-z_]+\}", self.path.rstrip("/"))
        return "[^/.]+".join(re.escape(piece) for piece in pieces) + "/?"

    @property
    def static_prefix(self) -> str:
        """The path up to its first `{name}`, without a trailing slash."""
        return self.path.split("{", 1)[0].rstrip("/")

    def locations(self, prefix: str) -> tuple[str, ...]:
        """What nginx matches: the path with and without its last slash; with a `{name}`, the folder of the patterns."""
        path = prefix + (f"{self.static_prefix}/" if self.pattern else self.path)
        return (path if self.pattern else f"= {path}", f"= {path[:-1]}")

    def other_methods(self, api: Api) -> Answer:
        """Who answers methods that no route names: FastAPI only where it answers all of the path that isn't gone."""
        answers = {route.stage.answers(api) for route in self.routes}
        if answers == {Answer.GONE}:
            return Answer.GONE
        return Answer.FASTAPI if answers <= {Answer.FASTAPI, Answer.GONE} else Answer.DJANGO


def group_by_path(routes: Collection[Route]) -> tuple[RouteResource, ...]:
    """The routes as resources, in the order of their first mention."""
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    return tuple(RouteResource(path=path, routes=tuple(same)) for path, same in by_path.items())
