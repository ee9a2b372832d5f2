"""What HTTPRoutes match and whom they send it to: public paths, and who answers there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from strangler.errors import UsageError
from strangler.gateway.maps import deprecation, sunset
from strangler.kubernetes.manifest import Manifest
from strangler.routes.route import Answer, Api, Route

_SAFE: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class RouteTarget:
    """Who answers, and what the answer says of it. `route` is what errors call it.

    `shadow` is the percentage of requests of which FastAPI may get a copy.
    """

    answer: Answer
    percent: float = 0
    deprecated: str = ""
    sunset: str = ""
    shadow: float = 0
    streaming: bool = False
    route: str = field(default="", compare=False)

    @property
    def same(self) -> tuple[object, ...]:
        """What has to be alike where requests can't be told apart."""
        return self.answer, self.percent, self.streaming

    @property
    def headers(self) -> dict[str, str]:
        """What v1 says of its end."""
        return {name: value for name, value in (("Deprecation", self.deprecated), ("Sunset", self.sunset)) if value}


@dataclass(frozen=True, kw_only=True)
class PublicPath:
    """A public path, or with `below` all that begin with it. `path` is what stands below the API's prefix.

    `api` is None for paths that are below neither prefix.
    """

    public: str
    path: str
    api: Api | None
    below: bool = False

    @property
    def match(self) -> Manifest:
        """How HTTPRoute says it."""
        return {"path": {"type": "PathPrefix" if self.below else "Exact", "value": self.public or "/"}}


def targets_by_method(api: Api, routes: Collection[Route]) -> dict[str, list[RouteTarget]]:
    """Who answers each method; several where several routes have it."""
    targets: dict[str, list[RouteTarget]] = {}
    for route in routes:
        for method in route.served_methods:
            targets.setdefault(method, []).append(_target(api, route, method))
    return targets


def _target(api: Api, route: Route, method: str) -> RouteTarget:
    answer = route.stage.answers(api)
    v1 = api is Api.V1
    return RouteTarget(
        answer=answer,
        percent=(route.percent or 0) if answer is Answer.SPLIT else 0,
        deprecated=deprecation(route.deprecated) if v1 and route.deprecated else "",
        sunset=sunset(route.sunset) if v1 and route.sunset else "",
        shadow=route.shadow if answer is Answer.DJANGO and method in _SAFE else 0,
        streaming=route.streaming,
        route=route.name,
    )


def target_agreed(place: PublicPath, method: str, targets: Sequence[RouteTarget]) -> RouteTarget:
    """The one target of requests that can't be told apart. Dates and shadows that differ are left out.

    :raises UsageError: they are answered by different stacks.
    """
    first, *others = targets
    other = next((each for each in others if each.same != first.same), None)
    if other:
        raise UsageError(
            f"{first.route} and {other.route} both answer {method} below {place.public}/, by another stack or share,"
            " and an HTTPRoute doesn't know their paths apart",
            "move them together, or render with --mode nginx",
        )
    if any(each.headers != first.headers for each in others):
        first = replace(first, deprecated="", sunset="")
    return first if all(each.shadow == first.shadow for each in others) else replace(first, shadow=0)
