"""One run of `strangler compare`, from the first question to the report."""

import asyncio
import getpass
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Final
from urllib.parse import urlsplit

from strangler.cli.progress import CaseProgress
from strangler.cli.questions import Questions
from strangler.cli.writing import writes_run
from strangler.compare.client.auth import CompareSettings
from strangler.compare.client.target import Side
from strangler.compare.client.targets import header_parse, side_at, sides_gateway, sides_local
from strangler.compare.collector import Collector
from strangler.compare.comparison import Comparison
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.judge import Outcome
from strangler.compare.report.model import Report
from strangler.errors import UsageError
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings

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


def bases_of(sides: Sequence[Side], settings: LocalSettings) -> tuple[str, ...]:
    """Where a client may have asked what is asked again: both sides, and the front door before them."""
    prefixes = settings.project.prefixes
    return (*(side.url for side in sides), *(settings.proxy_url + prefix for prefix in (prefixes.v1, prefixes.v2)))


class ComparisonRun:
    """Asks what `questions` say of the sides of `comparison`.

    Args:
        comparison: how.
        questions: what.
        declared: the differences that are meant, as the rules of `comparison` know them.
        table: gives the routes their names.
        settings: of the local stack.
    """

    def __init__(
        self,
        comparison: Comparison,
        questions: Questions,
        *,
        declared: DeclaredDifferences,
        table: RouteTable,
        settings: LocalSettings,
    ) -> None:
        self._comparison = comparison
        self._questions = questions
        self._declared = declared
        self._table = table
        self._settings = settings
        self._sides = comparison.left, comparison.right
        self._collector = Collector(*self._sides)

    def report(self, *, options: Iterable[tuple[str, str]], with_versions: bool) -> Report:
        """Ask all, and tell what was found; `with_versions` has the sides' documents asked for theirs.

        :raises UsageError: a source of cases can't be read, or a caller is refused.
        :raises FailedError: there is no document to make cases from.
        """
        stopped = self._ask()
        met_by = () if stopped else self._questions.met_by()
        return self._collector.report(
            versions=asyncio.run(self._comparison.versions()) if with_versions else ("", ""),
            declared_faults=self._declared.faults(self._collector.routes, met_by=met_by),
            stopped=stopped,
            options=tuple(options),
        )

    def _ask(self) -> str:
        """Why the run ended before its cases did; empty if it didn't."""
        questions, collector = self._questions, self._collector
        for route in self._table.routes:
            if route.streaming and questions.wants(route.name):
                collector.skipped[f"{route.name}, whose answer has no end"] += 1
        side = questions.openapi
        document = asyncio.run(self._comparison.learn(of_right=side == "right")) if side else None
        with ExitStack() as files, CaseProgress() as progress:
            bases = bases_of(self._sides, self._settings)
            cases = questions.cases(self._table, bases=bases, skipped=collector.skipped, files=files, document=document)
            stopped = asyncio.run(self._comparison.run(questions.wanted(cases), collector, tell=progress.tell))
            return stopped or self._play(progress.tell)

    def _play(self, tell: Callable[[Outcome], None]) -> str:
        """Play the writes, if they are to be; why that ended before its end."""
        if not self._questions.writes or self._questions.folder is None:
            return ""
        return writes_run(
            self._comparison,
            self._collector,
            folder=self._questions.folder,
            settings=self._settings,
            state_dir=self._settings.state_dir,
            table=self._table,
            chosen=self._questions.routes,
            tell=tell,
        )
