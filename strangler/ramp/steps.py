"""The steps of a ramp: shares of callers, the places in the routes file that they stand for, hours of the day."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from strangler.errors import UsageError
from strangler.ramp.state import RouteState
from strangler.rollout.edits import Edits, whole_number
from strangler.routes.route import Stage

ALL: Final = 100.0
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_DAY: Final = 24 * 60


def steps_parse(text: str) -> tuple[float, ...]:
    """The percentages in `1,5,25,50,100`.

    :raises UsageError: they are none, or don't grow.
    """
    hint = "write percentages that grow, such as 1,5,25,50,100"
    try:
        steps = tuple(float(each) for each in text.split(","))
    except ValueError as error:
        raise UsageError(f"{text!r} are no steps", hint) from error
    if any(not 0 < step <= ALL or round(step, 2) != step for step in steps) or list(steps) != sorted(set(steps)):
        raise UsageError(f"{text!r} are no steps", hint)
    return steps


def seconds_parse(text: str) -> float:
    """The seconds of `30s`, `10m` or `2h`.

    :raises UsageError: it is no duration.
    """
    found = re.fullmatch(r"([0-9]{1,6})([smh])", text)
    if found is None or not int(found[1]):
        raise UsageError(f"{text!r} is no duration", "write 30s, 10m or 2h")
    return float(int(found[1]) * _UNITS[found[2]])


def hours_parse(text: str) -> tuple[int, int]:
    """The hours of `09:00-16:00` as minutes of the day.

    :raises UsageError: they are none.
    """
    found = re.fullmatch(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])", text)
    numbers = [int(each) for each in found.groups()] if found else []
    if not numbers or max(numbers[0], numbers[2]) * 60 >= _DAY or numbers[:2] == numbers[2:]:
        raise UsageError(f"{text!r} are no hours", "write 09:00-16:00")
    return numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]


def moment_parse(text: str, *, now: float) -> float:
    """When it is next 22:00 here, or the moment of 2027-01-31T22:00, in seconds since 1970.

    :raises UsageError: it is none, or past.
    """
    today = dt.datetime.fromtimestamp(now).astimezone()
    try:
        if re.fullmatch(r"[0-9]{2}:[0-9]{2}", text):
            time = dt.time.fromisoformat(text)
            days = (today.date() + dt.timedelta(days=more) for more in (0, 1))
            return next(found for day in days if (found := dt.datetime.combine(day, time).timestamp()) > now)
        moment = dt.datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise UsageError(f"{text!r} is no time", "write 22:00, or 2027-01-31T22:00") from error
    if moment <= now:
        raise UsageError(f"{text} is past", f"write a time after {today:%Y-%m-%dT%H:%M}")
    return moment


def moment_text(moment: float) -> str:
    """A moment in local time, with its zone."""
    return f"{dt.datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M %Z}"


def steps_after(steps: Sequence[float], places: Iterable[RouteState]) -> tuple[float, ...]:
    """The steps that are left for routes at these places.

    :raises UsageError: a route can't be ramped from there, or no step has others to be compared with.
    """
    shares = set()
    for place in places:
        if place.stage not in {Stage.PARALLEL, Stage.CANARY}:
            is_legacy = place.stage == Stage.LEGACY
            hint = "move it first, with strangler switch NAME --to parallel" if is_legacy else "leave it out"
            raise UsageError(f"a ramp begins at stage parallel or canary, not at {place.stage}", hint)
        shares.add(place.percent or 0.0)
    if len(shares) > 1:
        raise UsageError("the routes have different shares of callers", "ramp those of one share together")
    left = tuple(step for step in steps if step >= max(shares))
    if not left or left[0] == ALL:
        raise UsageError("no step has callers on both sides", "begin with a step below 100, such as --steps 50,100")
    return left


def place_of(percent: float) -> RouteState:
    """Where a route stands at a step."""
    return RouteState(stage=Stage.MIGRATED) if percent == ALL else RouteState(stage=Stage.CANARY, percent=percent)


def is_within(between: tuple[int, int], minute: int) -> bool:
    """Whether a minute of the day is within hours, which may go over midnight."""
    begin, end = between
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def hours_text(between: tuple[int, int]) -> str:
    """Hours as they are typed."""
    return "-".join(f"{dt.time(*divmod(minute, 60)):%H:%M}" for minute in between)


def place_edits(places: Mapping[str, RouteState]) -> Edits:
    """The keys of the routes file that bring routes to these places."""
    return {name: {"stage": str(place.stage), "percent": whole_number(place.percent)} for name, place in places.items()}
