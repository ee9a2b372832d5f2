"""What `strangler compare` makes of its options: the cases, the sides, the passwords."""

import getpass
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from strangler.compare.cases.access_log import cases_from_log
from strangler.compare.cases.case import Case
from strangler.compare.cases.files import cases_from_files
from strangler.compare.cases.har import cases_from_har
from strangler.compare.cases.openapi import Making, cases_from_openapi
from strangler.compare.settings import CompareSettings
from strangler.compare.side import Side
from strangler.compare.sides import header_parse, side_at, sides_gateway, sides_local
from strangler.errors import UsageError
from strangler.local.settings import LocalSettings
from strangler.routes.route import Api
from strangler.routes.table import RouteTable

_STDIN: Final = "-"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def sides_of(left: str | None, right: str | None, headers: Sequence[str], settings: LocalSettings) -> tuple[Side, Side]:
    """The sides that were named, else those of the stack that the settings name.

    :raises UsageError: one of them, or a header, is none.
    """
    said = tuple(header_parse(text) for text in headers)
    if left is None:
        return (sides_gateway if settings.gateway == "container" else sides_local)(settings, headers=said)
    if right is None:
        raise UsageError("name two base addresses, LEFT and RIGHT, or none for the local stack.")
    return side_at("left", left, headers=said), side_at("right", right, headers=said)


def passwords(logins: Sequence[str], sides: Sequence[Side], settings: LocalSettings) -> Callable[[str], str | None]:
    """Gives each caller's password: STRANGLER_PASSWORD, else in development the demo's, else what is typed now.

    :raises UsageError: one can't be had.
    """
    told = CompareSettings().password.get_secret_value()
    here = all(urlsplit(side.url).hostname in _LOOPBACK for side in sides)
    if told or (settings.is_development and here):
        return lambda _name: told or settings.demo_password
    if logins and not sys.stdin.isatty():
        raise UsageError("nobody is there to type a password: set STRANGLER_PASSWORD.")
    typed = {name: getpass.getpass(f"password of {name}: ") for name in logins}
    return typed.get


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where cases come from, and as whom they are asked where it isn't said there.

    Attributes:
        table: gives the routes their names.
        bases: addresses that a recording may be of.
        logins: names that are signed in.
        skipped: counts what is no case, by reason.
    """

    table: RouteTable
    bases: Sequence[str]
    logins: Sequence[str]
    skipped: Counter[str]

    def read(
        self,
        *,
        folder: Path | None,
        logs: Sequence[str],
        recordings: Sequence[Path],
        files: ExitStack,
        made: tuple[Mapping[str, Any], Making] | None = None,
    ) -> Iterator[Case]:
        """The cases one after another, read while they are asked; `files` closes what stays open meanwhile.

        :raises UsageError: one of them can't be read.
        """
        if folder is not None:
            yield from cases_from_files(folder, self.table)
        for log in logs:
            opened = _opened(log, files)
            yield from cases_from_log(opened, self.table, skipped=self.skipped, callers=self.logins, name=log)
        for recording in recordings:
            caller = next(iter(self.logins), "")
            yield from cases_from_har(recording, self.bases, self.table, skipped=self.skipped, caller=caller)
        if made is not None:
            document, making = made
            yield from cases_from_openapi(document, self.table, making, skipped=self.skipped)


def bases_of(sides: Sequence[Side], settings: LocalSettings) -> tuple[str, ...]:
    """Where a client may have asked what is asked again: both sides, and the front door before them."""
    return (*(side.url for side in sides), *(settings.proxy_url + api.prefix for api in Api))


def _opened(log: str, files: ExitStack) -> BinaryIO:
    if log == _STDIN:
        return sys.stdin.buffer
    try:
        return files.enter_context(Path(log).open("rb"))
    except OSError as error:
        raise UsageError(f"{log} can't be read ({error.strerror}): name an access log with --from-log.") from error
