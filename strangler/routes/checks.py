"""What must hold between the entries of a routes file, so that nginx can serve all of them."""

from collections import Counter

from strangler.errors import UsageError
from strangler.routes.route import Api, Fixed, Resource, Route, Stage, Throttle

# Rendered whatever the routes file says: what the second API doesn't route.
GATEWAY_LOCATIONS = (f"{Api.V2.prefix}/", f"= {Api.V2.prefix}")


def check_names(routes: tuple[Route, ...], fixed: tuple[Fixed, ...]) -> None:
    """Every entry has a name of its own.

    Raises:
        UsageError: names the first that is there twice.
    """
    names = Counter([route.name for route in routes] + [entry.name for entry in fixed])
    for name, count in names.items():
        if count > 1:
            raise UsageError(f"{name} is named {count} times: give every entry a name of its own.")


def check_paths(resources: tuple[Resource, ...], fixed: tuple[Fixed, ...]) -> None:
    """One entry answers a method at a path.

    Raises:
        UsageError: names the entries that claim the same.
    """
    for resource in resources:
        methods = Counter(method for route in resource.routes for method in route.methods)
        for method, count in methods.items():
            if count > 1:
                raise UsageError(f"{count} routes answer {method} {resource.path}: keep one of them.")
    _check_alike(resources)
    _check_fixed(resources, fixed)


def check_throttles(resources: tuple[Resource, ...], throttles: tuple[Throttle, ...]) -> None:
    """Every throttle that a route asks for is there, and a path has one.

    Raises:
        UsageError: names the route or the path.
    """
    known = {throttle.name for throttle in throttles}
    for resource in resources:
        for route in resource.routes:
            if route.throttle is not None and route.throttle not in known:
                raise UsageError(
                    f"{route.name} asks for throttle {route.throttle!r}: define [throttles.{route.throttle}]."
                )
        if len({route.throttle for route in resource.routes}) > 1:
            raise UsageError(
                f"the routes of {resource.path} differ in throttle: nginx limits by path, so give all the same."
            )


def check_streaming(resources: tuple[Resource, ...]) -> None:
    """All routes of a path stream, or none.

    Raises:
        UsageError: names the path.
    """
    for resource in resources:
        if len({route.streaming for route in resource.routes}) > 1:
            raise UsageError(
                f"the routes of {resource.path} differ in streaming: nginx buffers by path, so give all the same."
            )


def check_moves(routes: tuple[Route, ...]) -> None:
    """What a route says of its move fits its stage and its methods.

    Raises:
        UsageError: names the route.
    """
    for route in routes:
        if (route.stage is Stage.CANARY) != (route.percent is not None):
            raise UsageError(
                f"{route.name} is at stage {route.stage} with percent {route.percent}: "
                "give percent at stage canary, and only there."
            )
        if route.percent in (0, 100):
            raise UsageError(f"{route.name} is canary for {route.percent}%: make it parallel (0) or migrated (100).")
        if (route.shadow or route.fallback) and (not route.safe or route.streaming):
            raise UsageError(f"{route.name} has shadow or fallback: only a GET route whose answer ends can have them.")
        _check_dates(route)


def _check_dates(route: Route) -> None:
    if route.sunset and not route.deprecated:
        raise UsageError(f"{route.name} has sunset without deprecated: say since which day v1 is deprecated.")
    if route.sunset and route.deprecated and route.sunset < route.deprecated:
        raise UsageError(f"{route.name} ends on {route.sunset}, before it is deprecated: put sunset later.")


def _check_alike(resources: tuple[Resource, ...]) -> None:
    seen: dict[str, str] = {}
    for resource in resources:
        # nginx's maps know no case.
        other = seen.setdefault((resource.pattern or resource.path).lower(), resource.path)
        if other != resource.path:
            raise UsageError(
                f"{other} and {resource.path} differ only in case or in a variable's name: write both alike."
            )


def _check_fixed(resources: tuple[Resource, ...], fixed: tuple[Fixed, ...]) -> None:
    taken = dict.fromkeys(GATEWAY_LOCATIONS, "the gateway itself")
    for resource in resources:
        for api in Api:
            taken |= dict.fromkeys(resource.locations(api), resource.routes[0].name)
    for entry in fixed:
        for location in entry.locations:
            if location in taken:
                path = location.removeprefix("= ")
                raise UsageError(f"{entry.name} and {taken[location]} both claim {path}: keep one of them.")
            taken[location] = entry.name
