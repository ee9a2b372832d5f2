"""A case, and a scenario: cases that are played one after another, since each builds on what those before wrote."""

import datetime as dt
import hashlib
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from strangler.compare.json_values import ABSENT, JsonPath


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request without its address and its credentials.

    Attributes:
        method: in capitals.
        target: the path below each side's base with its query, as it is sent (one byte in each character).
        headers: those of the client, without credentials.
        body: as it is sent.
        caller: the user whose token the request carries; empty for none.
        route: the name in the routes file, empty where it isn't known.
        name: its title in a case file; may be empty.
        source: where it comes from, such as `posts.toml, line 12` or `access log`.
        secrets: values that are masked in reports.
        claims: of the caller's token, changed before it is sent; times (`exp`, `iat`, `nbf`) in seconds from now.
        below_v2: the right side is requested below v2's prefix, which its links have to name (`Side.v2`).
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    caller: str = ""
    route: str = ""
    name: str = ""
    source: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    claims: tuple[tuple[str, object], ...] = ()
    below_v2: bool = False

    @property
    def safe(self) -> bool:
        """Whether the method is safe (RFC 9110, 9.2.1)."""
        return self.method in {"GET", "HEAD", "OPTIONS"}


# A variable that every scenario has: the password that callers sign in with, which no case file holds.
PASSWORD: Final = "password"  # noqa: S105 - a variable's name
# A variable of cases below v2's prefix: the prefix that the client of either side requests.
PREFIX: Final = "prefix"
_SEGMENT: Final = re.compile(r"""\.(?P<name>[^\W\d]\w*)|\[(?P<index>\d+)\]|\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\]""")


@dataclass(frozen=True)
class HeaderPlace:
    """A header of an answer, by its name in small letters."""

    name: str


SavedPlace: TypeAlias = JsonPath | HeaderPlace


@dataclass(frozen=True, kw_only=True)
class ScenarioStep:
    """A request of a scenario.

    `save` are variables that later steps name as `{variable}`, each with the place of its value in this step's answer.
    `together` is how often it is sent, all at once. With `refuse_commit` the database refuses what it commits.
    """

    case: Case
    together: int = 1
    refuse_commit: bool = False
    save: tuple[tuple[str, SavedPlace], ...] = ()


def step_digest(step: ScenarioStep) -> str:
    """Tells the request of a step from others, before variables are filled in."""
    case = step.case
    parts = (case.method, case.target, case.headers, case.body, case.caller, case.claims, step.together, step.save)
    # Only where they are set: what is known of other cases stays theirs.
    special = [name for name, is_so in (("refuse_commit", step.refuse_commit), ("below_v2", case.below_v2)) if is_so]
    return hashlib.sha256(repr((*parts, *special)).encode()).hexdigest()[:16]


def case_key(step: ScenarioStep, *, scenario: str = "") -> str:
    """Tells a case from others, in whatever file it stands.

    A running stack is asked the same by the same request. In a scenario it depends on what was played before.
    """
    digest = step_digest(step)
    return hashlib.sha256(repr((scenario, step.case.name, digest)).encode()).hexdigest()[:16] if scenario else digest


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is played on a database of its own.

    `name` is where it comes from, such as `posts.toml`; `given` is SQL that runs there before. `clock` is the time at
    which both sides start, None for the real one; `workers` are processes of each side, 0 for those of the run.
    """

    name: str
    clock: dt.datetime | None = None
    workers: int = 0
    given: tuple[str, ...] = ()
    steps: tuple[ScenarioStep, ...] = field(default=())


def path_parse(text: str) -> JsonPath:
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


def value_at(value: object, path: JsonPath) -> object:
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


def cases_sample(cases: Iterable[Case], *, size: int, seed: int) -> Iterator[Case]:
    """`size` cases of each route, in the order in which they came; all of a route that has fewer.

    The whole of `cases` is read first (a reservoir per route, Vitter's algorithm R); no more than the chosen are kept.
    """
    # Chance with a seed, so that a run can be repeated; nothing secret depends on it.
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    kept: dict[str, list[tuple[int, Case]]] = {}
    seen: dict[str, int] = {}
    for number, case in enumerate(cases):
        reservoir = kept.setdefault(case.route, [])
        seen[case.route] = count = seen.get(case.route, 0) + 1
        if len(reservoir) < size:
            reservoir.append((number, case))
        elif (place := chance.randrange(count)) < size:
            reservoir[place] = (number, case)
    chosen = (each for reservoir in kept.values() for each in reservoir)
    yield from (case for _number, case in sorted(chosen, key=lambda each: each[0]))
