"""Ids that exist, so that not every request for one thing is answered 404."""

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from strangler.compare.json_values import NotJsonError, Number, json_parse

KnownIds = Mapping[str, Sequence[str]]
"""The path of a list below an API's prefix, such as `/posts/`, with the ids of what it lists."""

_VARIABLE: Final = re.compile(r"\{([^{}/]+)\}")
# Of four requests one asks for whatever was made up.
_SHARE: Final = 0.75


def lists_of(document: Any, *, prefix: str) -> tuple[str, ...]:  # noqa: ANN401 - whatever JSON it is
    """The lists of an OpenAPI document that other paths begin with and a variable goes on: ask them for ids.

    Empty where it is no such document.
    """
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return ()
    below = {str(path).removeprefix(prefix): item for path, item in paths.items()}
    lists = {path.partition("{")[0] for path in below if "{" in path}
    return tuple(sorted(path for path in lists if isinstance(below.get(path), dict) and "get" in below[path]))


def ids_in(body: str, *, limit: int = 50) -> tuple[str, ...]:
    """The ids of what a list answered, as DRF and most others write it: the items, or the items under `results`."""
    try:
        return tuple(dict.fromkeys(_ids(json_parse(body))))[:limit]
    except NotJsonError:
        return ()


def with_known_ids(template: str, values: Mapping[str, Any], known: KnownIds, random: Random) -> dict[str, Any]:
    """The path's values, most of them replaced by ids of the list that stands before the variable."""
    chosen = dict(values)
    for variable in _VARIABLE.finditer(template):
        ids = known.get(template[: variable.start()])
        if ids and random.random() < _SHARE:
            chosen[variable[1]] = random.choice(ids)
    return chosen


def _ids(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = next((value[key] for key in ("results", "items", "data") if key in value), None)
    for item in value if isinstance(value, list) else ():
        found = item.get("id") if isinstance(item, dict) else None
        if isinstance(found, str | Number):
            yield str(found)
