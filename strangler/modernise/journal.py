"""The state of an operation on disk: its plan, and what is done of each stage."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from strangler.handover.journal import ActionJournal, JournalFolder
from strangler.handover.steps import Step
from strangler.modernise.stages import STAGES, Synced


@dataclass(frozen=True, kw_only=True)
class StageRun(ActionJournal):
    """One stage, done or under way. `revision` is Alembic's for it, `previous` the one before."""

    stage: str
    revision: str
    previous: str


@dataclass(frozen=True, kw_only=True)
class OperationJournal:
    """An operation under way, or finished.

    `stages` is the plan; `runs` are the stages that are done, the last one perhaps not yet. `database` identifies the
    server and the database.
    """

    name: str
    title: str
    database: str
    checksum: str
    stages: tuple[Step, ...]
    synced: Synced
    runs: tuple[StageRun, ...] = ()

    @property
    def unfinished(self) -> StageRun | None:
        """The stage that is under way, or was interrupted."""
        return self.runs[-1] if self.runs and not self.runs[-1].is_applied else None

    @property
    def done(self) -> tuple[StageRun, ...]:
        """The stages that are done."""
        return tuple(run for run in self.runs if run.is_applied)

    @property
    def next_stage(self) -> Step | None:
        """The stage that comes next, also one that was interrupted; None behind the last."""
        return self.stages[len(self.done)] if len(self.done) < len(STAGES) else None

    def with_run(self, run: StageRun) -> "OperationJournal":
        """The same operation where its last stage stands at `run`, or begins there."""
        kept = self.runs[:-1] if self.runs and self.runs[-1].stage == run.stage else self.runs
        return replace(self, runs=(*kept, run))

    def without_run(self) -> "OperationJournal":
        """The same operation without its last stage, which was undone."""
        return replace(self, runs=self.runs[:-1])


_JOURNAL: Final = TypeAdapter(OperationJournal)


class OperationFolder(JournalFolder[OperationJournal]):
    """The state folder of one operation (`.run/modernise/NAME`)."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _JOURNAL, of="an operation")

    @property
    def progress(self) -> Path:
        """How far the backfill is."""
        return self.path / "progress.json"

    @property
    def archives(self) -> Path:
        """What was dropped."""
        return self.path / "archive"
