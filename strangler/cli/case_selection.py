"""The cases that are compared: case files, logs and recordings, of which routes may be chosen or samples taken."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from strangler.cli.output import log_opened
from strangler.compare.case import Case, Scenario, ScenarioStep, case_key, cases_sample
from strangler.compare.cases.access_log import cases_from_log
from strangler.compare.cases.case_files import cases_from_files, scenarios_from_files
from strangler.compare.cases.har import cases_from_har
from strangler.compare.declared import MetBy
from strangler.errors import UsageError
from strangler.rollout.evidence import StandingCase
from strangler.routes.table import RouteTable


@dataclass(frozen=True, kw_only=True)
class CaseSelection:
    """Where cases come from, and which of them are compared.

    Attributes:
        folders: of case files.
        logs: access logs; `-` is what is piped in.
        recordings: HAR files.
        writes: whether the writes of case files and recordings are played, too.
        workers: processes of each side's server while writes are played.
        routes: the names of those that are compared; empty for all.
        sample: how many cases of each route; None for all.
        seed: of the sample.
        logins: users whose tokens replayed requests carry.

    :raises UsageError: there is no source at all.
    """

    folders: tuple[Path, ...]
    logs: tuple[str, ...]
    recordings: tuple[Path, ...]
    writes: bool
    workers: int
    routes: frozenset[str]
    sample: int | None
    seed: int
    logins: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (self.folders or self.logs or self.recordings):
            raise UsageError(
                "there are no cases",
                "make some with strangler cases generate, or add --cases DIR, --from-log FILE or --har FILE",
            )

    def wants(self, route: str) -> bool:
        """Whether the route of that name is compared."""
        return not self.routes or route in self.routes

    def met_by(self) -> frozenset[MetBy]:
        """Which declared differences must have been met at the end."""
        if not self.folders or self.sample:
            return frozenset()
        return frozenset((MetBy.CASES, MetBy.WRITES) if self.writes else (MetBy.CASES,))

    def cases(self, table: RouteTable, *, bases: tuple[str, ...], skipped: Counter[str]) -> Iterator[Case]:
        """The cases one after another, read while they are sent.

        Args:
            table: gives the routes their names.
            bases: addresses that a recording may be of.
            skipped: counts what is no case, by reason.

        :raises UsageError: a source can't be read.
        """
        for folder in self.folders:
            yield from cases_from_files(folder, table)
        for log in self.logs:
            with log_opened(log, option="--from-log") as opened:
                yield from cases_from_log(opened, table, skipped=skipped, callers=self.logins, name=log)
        for recording in self.recordings:
            replayed = self._replayed(recording, table, bases=bases, skipped=skipped)
            # With writes, those of a recording are played later.
            yield from (case for case in replayed if case.safe or not self.writes)

    def scenarios(self, table: RouteTable, *, bases: tuple[str, ...]) -> Iterator[Scenario]:
        """Case files, and recordings with a write, each with all of its requests in their order.

        :raises UsageError: a source can't be read.
        """
        for folder in self.folders:
            yield from scenarios_from_files(folder, table, chosen=self.routes)
        for recording in self.recordings:
            # What is left out was counted when the reads were made.
            cases = tuple(self._replayed(recording, table, bases=bases, skipped=Counter()))
            if not all(case.safe for case in cases):
                yield Scenario(name=recording.name, steps=tuple(ScenarioStep(case=case) for case in cases))

    def keys(self, table: RouteTable) -> dict[str, str]:
        """The folder of each case in case files, by its key.

        :raises UsageError: as `cases`.
        """
        found: dict[str, str] = {}
        for folder in self.folders:
            name = str(folder.resolve())
            found |= {case_key(ScenarioStep(case=case)): name for case in cases_from_files(folder, table)}
            for scenario in scenarios_from_files(folder, table):
                found |= {case_key(step, scenario=scenario.name): name for step in scenario.steps}
        return found

    def gone(self, standing: Mapping[str, StandingCase], keys: Collection[str]) -> list[str]:
        """The keys of cases that differed before, and that no file has any more, where all others were compared."""
        folders = {str(folder.resolve()) for folder in self.folders}
        return [
            key
            for key, case in standing.items()
            if not self.sample
            and (self.writes or not case["scenario"])
            and case["folder"] in folders
            and key not in keys
        ]

    def _replayed(
        self, recording: Path, table: RouteTable, *, bases: tuple[str, ...], skipped: Counter[str]
    ) -> Iterator[Case]:
        return cases_from_har(recording, bases, table, skipped=skipped, caller=next(iter(self.logins), ""))

    def wanted(self, cases: Iterable[Case]) -> Iterable[Case]:
        """The cases of the chosen routes, or a sample of each."""
        if self.routes:
            cases = (case for case in cases if self.wants(case.route))
        return cases_sample(cases, size=self.sample, seed=self.seed) if self.sample else cases
