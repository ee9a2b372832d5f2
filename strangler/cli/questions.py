"""What `strangler compare` asks, as its options say."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from strangler.cli.output import log_opened
from strangler.compare.case import Case
from strangler.compare.cases.access_log import cases_from_log
from strangler.compare.cases.files import cases_from_files
from strangler.compare.cases.har import cases_from_har
from strangler.compare.cases.openapi import Making, cases_from_openapi
from strangler.compare.cases.routing import cases_sample
from strangler.compare.declared import MetBy
from strangler.compare.openapi_document import Document
from strangler.errors import UsageError
from strangler.routes.table import RouteTable


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Where cases come from, and which of them are asked.

    Attributes:
        folder: of case files.
        logs: access logs; `-` is what is piped in.
        recordings: HAR files.
        openapi: whose document cases are made from.
        per_operation: so many are made of each.
        without: parameters that are never made.
        writes: whether the writes of the case files are played, too.
        routes: the names of those that are asked; all where it is empty.
        sample: so many cases of each route; None for all.
        seed: repeats a sample, and what is made.
        logins: names that are signed in, to ask where it isn't said who does.

    :raises UsageError: there is no source at all.
    """

    folder: Path | None
    logs: tuple[str, ...]
    recordings: tuple[Path, ...]
    openapi: Literal["left", "right"] | None
    per_operation: int
    without: tuple[str, ...]
    writes: bool
    routes: frozenset[str]
    sample: int | None
    seed: int
    logins: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (self.folder or self.logs or self.recordings or self.openapi):
            raise UsageError("say what to ask: --cases DIR, --from-log FILE, --har FILE or --openapi left.")

    def wants(self, route: str) -> bool:
        """Whether the route of that name is asked."""
        return not self.routes or route in self.routes

    def met_by(self) -> frozenset[MetBy]:
        """Who must have met a declared difference once all was asked."""
        if self.folder is None or self.sample:
            return frozenset()
        return frozenset((MetBy.CASES, MetBy.WRITES) if self.writes else (MetBy.CASES,))

    def cases(
        self,
        table: RouteTable,
        *,
        bases: tuple[str, ...],
        skipped: Counter[str],
        files: ExitStack,
        document: Document | None,
    ) -> Iterator[Case]:
        """The cases one after another, read while they are asked.

        Args:
            table: gives the routes their names.
            bases: addresses that a recording may be of.
            skipped: counts what is no case, by reason.
            files: closes what stays open meanwhile.
            document: that of the side that `openapi` names.

        :raises UsageError: a source can't be read.
        """
        if self.folder is not None:
            yield from cases_from_files(self.folder, table)
        for log in self.logs:
            opened = files.enter_context(log_opened(log, option="--from-log"))
            yield from cases_from_log(opened, table, skipped=skipped, callers=self.logins, name=log)
        for recording in self.recordings:
            caller = next(iter(self.logins), "")
            yield from cases_from_har(recording, bases, table, skipped=skipped, caller=caller)
        if document is not None:
            yield from cases_from_openapi(document.content, table, self._making(document), skipped=skipped)

    def wanted(self, cases: Iterable[Case]) -> Iterable[Case]:
        """Those of the chosen routes, and so many of each."""
        if self.routes:
            cases = (case for case in cases if self.wants(case.route))
        return cases_sample(cases, size=self.sample, seed=self.seed) if self.sample else cases

    def _making(self, document: Document) -> Making:
        return Making(
            prefix=document.prefix,
            seed=self.seed,
            per_operation=self.per_operation,
            callers=self.logins,
            known=document.known,
            without=self.without,
        )
