"""Where nginx looks for a path, and what the paths below a location need of it."""

from collections.abc import Iterator

from strangler.routes.route import Answer, Api
from strangler.routes.table import RouteTable


def gone_apis(table: RouteTable) -> frozenset[Api]:
    """The APIs with a route that is gone."""
    return frozenset(api for api in Api for route in table.routes if route.stage.answers(api) is Answer.GONE)


def routed_locations(table: RouteTable, api: Api) -> list[str]:
    """The locations of an API that take any path for the route that the maps find.

    One is enough, but for paths below a folder that is fixed: nginx takes the longest.
    """
    fixed = {location for entry in table.fixed for location in entry.locations}
    wanted = (f"{api.prefix}/", f"= {api.prefix}", *_below_fixed(table, api))
    return [location for location in dict.fromkeys(wanted) if location not in fixed]


def _below_fixed(table: RouteTable, api: Api) -> Iterator[str]:
    folders = tuple(entry.path for entry in table.fixed if entry.path.startswith(f"{api.prefix}/"))
    for resource in table.resources:
        locations = resource.locations(api)
        if locations[0].removeprefix("= ").startswith(tuple(path for path in folders if path.endswith("/"))):
            yield from locations
