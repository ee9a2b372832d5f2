"""What layers around an endpoint change of an answer's head: noted on the way in, done once, when the answer begins.

A layer with a `send` of its own is called for every part of every answer. One that only adds headers notes that here,
and costs next to nothing (docs/benchmark.md). What is noted last is done first, as the layer that is nearest to the
endpoint would do it. A layer that looks at answers, or replaces them, has what is noted within it done before, or
dropped.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.types import Message, Scope

Change = Callable[[Scope, Message], None]
Headers = list[tuple[bytes, bytes]]

_NOTED: Final = "strangler.head"


def note_change(scope: Scope, change: Change) -> int:
    """Has a change made when the answer begins; returns which one it is."""
    noted: list[Change] = scope.setdefault(_NOTED, [])
    noted.append(change)
    return len(noted) - 1


def noted_changes(scope: Scope) -> int:
    """How many wait: what is noted from here on comes from layers within."""
    return len(scope.get(_NOTED, ()))


def make_changes(scope: Scope, start: Message, since: int = 0) -> None:
    """Makes the changes from the one with that number on; `start` is the message that the answer begins with."""
    noted: Any = scope.get(_NOTED, ())
    while len(noted) > since:
        noted.pop()(scope, start)


def drop_changes(scope: Scope, since: int = 0) -> None:
    """Forgets those from that number on: another answer takes the place of the one that they were for."""
    del scope.get(_NOTED, [])[since:]


def varied(headers: Headers, *, first: Sequence[str] = (), last: Sequence[str] = ()) -> Headers:
    """The headers with one `Vary`: the names that were there, those that come `first` before them, the `last` behind.

    A name stands there once, however it is written, as by Django's `patch_vary_headers`.
    """
    there = (name.strip() for key, value in headers if key.lower() == b"vary" for name in value.decode().split(","))
    names: dict[str, str] = {}
    for name in (*first, *there, *last):
        names.setdefault(name.lower(), name)
    every = ", ".join(names.values()).encode("latin-1")
    return [*(header for header in headers if header[0].lower() != b"vary"), (b"vary", every)]
