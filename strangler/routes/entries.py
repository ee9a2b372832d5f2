"""What the keys of a route, a fixed path and a throttle may say."""

import datetime as dt
import re
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any, Final

from strangler.routes.lines import Lines, Where
from strangler.routes.mistakes import Mistake, nearest, shown
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Fixed, RequestLimit, Route, Stack, Stage

# nginx refuses keys of its maps beyond a size that strangler/gateway/templates/http.conf.j2 sets.
_MAX_LENGTH: Final = 200


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# nginx resolves `.` and `..` before it looks for a location, so no path could name one.
_SEGMENT = r"(?!\.\.?(?:/|$))[A-Za-z0-9_~.-]+"
_NAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
_FEATURE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*")
_PATH = re.compile(rf"/(?:(?:{_SEGMENT}|\{{[a-z_]+\}})/)*")
_FIXED_PATH = re.compile(rf"(?:/{_SEGMENT})+/?")
_RATE = re.compile(r"[1-9][0-9]{0,5}r/[sm]")
_MAX_BURST = 100_000
_ROUTE_KEYS = {field.name for field in fields(Route)} - {"line"}


class Entry:
    """One table of the file: its values, and the lines of its keys. `name` is what mistakes call it."""

    def __init__(self, values: dict[str, Any], *, lines: Lines | None, where: Where, name: str) -> None:
        self.name = name
        self._values = values
        self._lines = lines
        self._where = where

    @property
    def key(self) -> str:
        """The key that it stands under."""
        return str(self._where[-1])

    @property
    def line(self) -> int:
        """Where it begins; 0 if that can't be known."""
        return self._lines.of(*self._where) if self._lines else 0

    def mistake(self, sentence: str, key: str | None = None) -> Mistake:
        """A mistake in the line of `key`, or of the entry where it has no such key."""
        found = self._lines.of(*self._where, key) if self._lines and key else 0
        return Mistake(f"{self.name} {sentence}", found or self.line)

    def get(self, key: str) -> Any:  # noqa: ANN401 - whatever TOML can say
        """The value of `key`; None if it isn't there."""
        return self._values.get(key)

    def wrong(self, key: str, hint: str) -> Mistake:
        """The mistake that `key` has no value of the kind that `hint` asks for."""
        has = f"has {key} {shown(self._values[key])}" if key in self._values else f"has no {key}"
        return self.mistake(f"{has}: {hint}{'' if hint.endswith('?') else '.'}", key)

    def unknown_keys(self, known: Collection[str]) -> Iterator[Mistake]:
        """A mistake for each key that means nothing; one that is ignored would be a move that never happens."""
        for key in self._values:
            if key not in known:
                meant = nearest(key, known)
                hint = f"did you mean {meant}?" if meant else f"use only {', '.join(sorted(known))}."
                yield self.mistake(f"has an unknown key {shown(key)}: {hint}", key)

    def check_keys(self, known: Collection[str]) -> None:
        """Refuse the first key that means nothing."""
        for mistake in self.unknown_keys(known):
            raise mistake

    def check_length(self, key: str) -> None:
        """Refuse a text that nginx has no room for."""
        if len(self._values[key]) > _MAX_LENGTH:
            raise self.mistake(f"has a {key} of {len(self._values[key])} characters: shorten it to {_MAX_LENGTH}.", key)

    def flag(self, key: str) -> bool:
        """True or false; false if it isn't there."""
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "write true or false, without quotes")
        return value

    def percent(self, key: str) -> float | None:
        """A percentage of callers or requests."""
        value = self._values.get(key)
        # nginx's split_clients knows two decimals.
        if value is not None and not (_is_number(value) and 0 <= value <= 100 and round(value, 2) == value):
            raise self.wrong(key, "give a percentage from 0 to 100 with at most two decimals, without quotes")
        return value

    def day(self, key: str) -> dt.date | None:
        """A day without a time."""
        value = self._values.get(key)
        if value is not None and (not isinstance(value, dt.date) or isinstance(value, dt.datetime)):
            raise self.wrong(key, "write a day without quotes or a time, such as 2027-01-31")
        return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_route(entry: Entry, throttles: Collection[str], prefixes: Prefixes) -> Route:
    """The route.

    :raises Mistake: a key says what it can't.
    """
    _read_name(entry)
    entry.check_keys(_ROUTE_KEYS)
    if entry.get("stage") not in tuple(Stage):
        raise entry.wrong("stage", f"choose one of {', '.join(Stage)}")
    route = Route(
        name=entry.name,
        methods=_read_methods(entry),
        path=_read_path(entry, prefixes),
        stage=Stage(entry.get("stage")),
        percent=entry.percent("percent"),
        shadow=entry.percent("shadow") or 0,
        fallback=entry.flag("fallback"),
        deprecated=entry.day("deprecated"),
        sunset=entry.day("sunset"),
        throttle=_read_throttle_name(entry, throttles),
        streaming=entry.flag("streaming"),
        v2_only=entry.flag("v2_only"),
        line=entry.line,
    )
    _check_move(route, entry)
    return route


def read_fixed(entry: Entry, throttles: Collection[str]) -> Fixed:
    """The path that never moves.

    :raises Mistake: a key says what it can't.
    """
    _read_name(entry)
    entry.check_keys({"name", "path", "stack", "throttle", "cutover", "feature"})
    path = entry.get("path")
    if not isinstance(path, str) or not _FIXED_PATH.fullmatch(path):
        raise entry.wrong("path", "begin it with / and use letters, digits and . _ ~ - only")
    entry.check_length("path")
    if entry.get("stack") not in tuple(Stack):
        raise entry.wrong("stack", f"choose one of {', '.join(Stack)}")
    return Fixed(
        name=entry.name,
        path=path,
        stack=Stack(entry.get("stack")),
        throttle=_read_throttle_name(entry, throttles),
        cutover=_read_cutover(entry),
        feature=_read_feature(entry),
        line=entry.line,
    )


def read_throttle(entry: Entry) -> RequestLimit:
    """The limit.

    :raises Mistake: a key says what it can't, or the name is none for nginx.
    """
    if not re.fullmatch(r"[a-z0-9_]+", entry.key):
        raise entry.mistake("is no plain name: use small letters, digits and _ only.")
    entry.check_keys({"rate", "burst"})
    rate, burst = entry.get("rate"), entry.get("burst")
    if not isinstance(rate, str) or not _RATE.fullmatch(rate):
        raise entry.wrong("rate", 'write it as "10r/s" or "30r/m"')
    if not isinstance(burst, int) or isinstance(burst, bool) or not 0 <= burst <= _MAX_BURST:
        raise entry.wrong("burst", f"give a whole number from 0 to {_MAX_BURST}")
    return RequestLimit(name=entry.key, rate=rate, burst=burst)


def _read_name(entry: Entry) -> None:
    """From here on mistakes bear the entry's own name."""
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise entry.wrong("name", "write it as resource.action in small letters, digits and _")
    entry.check_length("name")
    entry.name = name


def _read_methods(entry: Entry) -> tuple[str, ...]:
    methods = entry.get("methods")
    if not isinstance(methods, list) or not methods or any(method not in METHODS for method in methods):
        raise entry.wrong("methods", f"list one or more of {', '.join(METHODS)}")
    if len(set(methods)) < len(methods):
        raise entry.wrong("methods", "name each of them once")
    return tuple(methods)


def _read_path(entry: Entry, prefixes: Prefixes) -> str:
    path = entry.get("path")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise entry.wrong("path", "begin and end it with / and write a variable segment as {id}")
    for prefix in filter(None, (prefixes.v2, prefixes.v1, prefixes.v2_below_v1)):
        if path.startswith(f"{prefix}/"):
            served = f"every route is served below {prefixes.v1 or '/'} and {prefixes.v2 or '/'}"
            raise entry.wrong("path", f"leave out {prefix}, {served}")
    entry.check_length("path")
    return path


def _read_cutover(entry: Entry) -> Stack | None:
    cutover = entry.get("cutover")
    if cutover not in (None, Stack.FASTAPI):
        raise entry.wrong("cutover", f'write "{Stack.FASTAPI}", or leave it out where nobody takes the path over')
    return None if cutover is None else Stack(cutover)


def _read_feature(entry: Entry) -> str | None:
    feature = entry.get("feature")
    if feature is not None and not (isinstance(feature, str) and _FEATURE.fullmatch(feature)):
        raise entry.wrong("feature", 'name a feature of FastAPI\'s consumer file, such as "admin"')
    return feature


def _read_throttle_name(entry: Entry, throttles: Collection[str]) -> str | None:
    throttle = entry.get("throttle")
    if throttle is None:
        return None
    if not isinstance(throttle, str):
        raise entry.wrong("throttle", "write the name of a [throttles.…] in quotes")
    if throttle not in throttles:
        meant = nearest(throttle, throttles)
        raise entry.wrong("throttle", f"did you mean {meant}?" if meant else "define it as a [throttles.…]")
    return throttle


def _check_move(route: Route, entry: Entry) -> None:
    """What a route says of its move fits its stage and its methods."""
    if route.v2_only and route.stage in {Stage.LEGACY, Stage.CANARY}:
        raise entry.wrong("stage", "write parallel or migrated, Django has no such endpoint (v2_only)")
    if route.stage is Stage.CANARY and route.percent is None:
        raise entry.mistake("is at stage canary without percent: say for how many percent of the callers.")
    if route.stage is not Stage.CANARY and route.percent is not None:
        raise entry.wrong("percent", f"take it away, it means something at stage canary and not at {route.stage}")
    if route.percent in (0, 100):
        raise entry.wrong("percent", "make the stage parallel for 0 or migrated for 100")
    for key in ("shadow", "fallback"):
        if getattr(route, key) and (not route.safe or route.streaming):
            raise entry.wrong(key, "take it away, only a GET route whose answer ends can have it")
    if route.sunset and not route.deprecated:
        raise entry.wrong("sunset", "say since which day v1 is deprecated, too")
    if route.sunset and route.deprecated and route.sunset < route.deprecated:
        raise entry.wrong("sunset", f"put it on or after the day when v1 is deprecated, {route.deprecated}")
