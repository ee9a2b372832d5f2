"""Changes to the text of a routes file that leave its comments, its order and everything else as they are."""

import re
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.items import AoT

# Stands for the stage while keys are put behind it; tomlkit itself would put them behind the comments of what follows.
_MARK = "\ue000"


def routes_edit(text: str, changes: Mapping[str, Mapping[str, Any]]) -> str:
    """`text` with the named routes' keys set to these values; None takes a key away.

    A new key goes below the route's stage.

    Raises:
        KeyError: no route has that name.
    """
    for name, values in changes.items():
        text = _route_edit(text, name, values)
    return text


def _route_edit(text: str, name: str, values: Mapping[str, Any]) -> str:
    document = tomlkit.parse(text)
    routes = document["route"]
    route: Any = next((entry for entry in routes if entry["name"] == name), None)
    if route is None:
        raise KeyError(name)
    new = {}
    for key, value in values.items():
        if value is None:
            route.pop(key, None)
        elif key in route or not isinstance(routes, AoT):
            route[key] = value
        else:
            new[key] = value
    if not new:
        return tomlkit.dumps(document)
    stage = tomlkit.item(str(route["stage"])).as_string()
    route["stage"] = _MARK
    lines = [f"{key} = {tomlkit.item(value).as_string()}" for key, value in new.items()]
    # The rest of the stage's line, and the carriage return of a file written on Windows.
    marked = re.compile(rf'"{_MARK}"([^\r\n]*)(\r?)')
    return marked.sub(
        lambda found: f"{found[2]}\n".join([stage + found[1], *lines]) + found[2], tomlkit.dumps(document), count=1
    )
