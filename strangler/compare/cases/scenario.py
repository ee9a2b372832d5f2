"""Requests that are played one after another, since each builds on what those before have written."""

import re
from dataclasses import dataclass, field
from typing import Final

from strangler.compare.case import Case
from strangler.compare.json_values import ABSENT, Path

_SEGMENT: Final = re.compile(r"""\.(?P<name>[^\W\d]\w*)|\[(?P<index>\d+)\]|\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\]""")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A request of a scenario.

    `save` are variables that later steps name as `{variable}`, each with the place of its value in this step's answer.
    """

    case: Case
    save: tuple[tuple[str, Path], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is played on a database of its own; `name` is where it comes from, such as `posts.toml`."""

    name: str
    steps: tuple[Step, ...] = field(default=())


def path_parse(text: str) -> Path:
    """The place that a simple JSONPath such as `$.results[0].id` names: keys and indexes, no wildcards.

    :raises ValueError: it is none.
    """
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is no JSONPath: write it like $.id or $.results[0].id")
    path: list[str | int] = []
    end = 1
    while end < len(text):
        found = _SEGMENT.match(text, end)
        if found is None:
            raise ValueError(f"{text!r} is no JSONPath from {text[end:]!r} on: write it like $.id or $.results[0].id")
        index = found["index"]
        path.append(int(index) if index else found["name"] or found["key"])
        end = found.end()
    return tuple(path)


def value_at(value: object, path: Path) -> object:
    """What stands at that place of a parsed body; `ABSENT` if there is none."""
    for part in path:
        if not _has(value, part):
            return ABSENT
        value = value[part]  # type: ignore[index] # _has has looked
    return value


def _has(value: object, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value
