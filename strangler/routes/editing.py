"""Changes to the text of a routes file that leave its comments, its order and everything else as they are."""

import re
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.items import AoT

# Stands for a route's stage while keys are put behind it: tomlkit itself puts them behind the comments that follow.
_MARK = "\ue000"
# The mark, the rest of its line, and the carriage return of a file written on Windows.
_MARKED = re.compile(rf'"{_MARK}([^"]*)"([^\r\n]*)(\r?)')


def routes_edit(text: str, changes: Mapping[str, Mapping[str, Any]]) -> str:
    """`text` with the named routes' keys set to these values; None takes a key away.

    A new key goes below the route's stage.

    Raises:
        KeyError: no route has that name.
    """
    document = tomlkit.parse(text)
    routes: Any = document["route"]
    by_name = {str(route["name"]): route for route in routes}
    below: dict[str, str] = {}
    for name, values in changes.items():
        route = by_name[name]
        new = _set_known(route, values, may_append=not isinstance(routes, AoT))
        if new:
            stage = tomlkit.item(str(route["stage"])).as_string()
            below[name] = "\n".join([stage, *(f"{key} = {tomlkit.item(new[key]).as_string()}" for key in new)])
            route["stage"] = _MARK + name
    return _MARKED.sub(lambda found: _unmarked(below[found[1]], rest=found[2], end=found[3]), tomlkit.dumps(document))


def _set_known(route: Any, values: Mapping[str, Any], *, may_append: bool) -> dict[str, Any]:  # noqa: ANN401 - tomlkit's tables have no type in common
    """Sets and removes what can be in place; returns the rest."""
    new = {}
    for key, value in values.items():
        if value is None:
            route.pop(key, None)
        elif key in route or may_append:
            route[key] = value
        else:
            new[key] = value
    return new


def _unmarked(lines: str, *, rest: str, end: str) -> str:
    """The stage with the rest of its line, and the new lines below it."""
    stage, _, new = lines.partition("\n")
    return f"{stage}{rest}{end}\n" + new.replace("\n", f"{end}\n") + end
