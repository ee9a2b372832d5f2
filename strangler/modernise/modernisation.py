"""The project's operations on its schema: where they are described and kept, and where each stands."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from strangler.databases.connections import Source
from strangler.errors import UsageError
from strangler.handover.baseline import is_handed_over
from strangler.handover.execution import LockPatience
from strangler.modernise.journal import OperationFolder, OperationJournal
from strangler.modernise.operation import operation_load, operation_names
from strangler.modernise.rows import Pace
from strangler.modernise.stages import STAGES
from strangler.modernise.survival import Services


@dataclass(frozen=True, kw_only=True)
class Modernisation:
    """Where operations are described (`files`), kept (`state`) and recorded for Alembic, and how rows are gone over."""

    source: Source
    services: Services
    alembic: Path
    files: Path
    state: Path
    patience: LockPatience = field(default_factory=LockPatience)
    throttle: Pace = field(default_factory=Pace)

    def folder(self, name: str) -> OperationFolder:
        """The state folder of one operation."""
        return OperationFolder(self.state / name)

    def journal(self, name: str) -> OperationJournal | None:
        """The journal of an operation on this database.

        :raises UsageError: it belongs to another database.
        """
        return self.folder(name).read_of(self.source.identity)

    def require_handed_over(self) -> None:
        """Refuse where Django still owns the schema.

        :raises UsageError: it does.
        """
        if not is_handed_over(self.source.owner_dsn):
            raise UsageError("the schema is still Django's", "hand it over first with strangler handover apply")


@dataclass(frozen=True, kw_only=True)
class OperationStatus:
    """Where an operation stands: the stage that is done, the one that comes next, and what was interrupted."""

    name: str
    title: str
    done: str = ""
    next_stage: str = ""
    interrupted: str = ""
    percent: int | None = None


def modernise_status(modernisation: Modernisation) -> tuple[OperationStatus, ...]:
    """Every operation that has a file or was begun; a file that is no operation says so in its title.

    :raises FailedError: a journal isn't readable.
    """
    begun = {path.parent.name for path in modernisation.state.glob("*/journal.json")}
    return tuple(_status(modernisation, name) for name in sorted({*operation_names(modernisation.files), *begun}))


def _status(modernisation: Modernisation, name: str) -> OperationStatus:
    journal = modernisation.folder(name).read()
    if journal is None:
        try:
            title = str(operation_load(modernisation.files, name).change)
        except UsageError as error:
            return OperationStatus(name=name, title=error.message)
        return OperationStatus(name=name, title=title, next_stage=STAGES[0])
    unfinished, following = journal.unfinished, journal.next_stage
    percent = None
    with suppress(OSError, ValueError, KeyError):
        kept = json.loads(modernisation.folder(name).progress.read_bytes())
        percent = min(100, 100 * kept["block"] // max(kept["of"], 1))
    return OperationStatus(
        name=name,
        title=journal.title,
        done=journal.done[-1].stage if journal.done else "",
        next_stage=following.kind if following else "",
        interrupted="" if unfinished is None else f"{unfinished.stage} {unfinished.direction}",
        percent=percent,
    )
