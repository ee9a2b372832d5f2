"""Where each operation stands."""

import json
from contextlib import suppress
from dataclasses import dataclass

from strangler.errors import UsageError
from strangler.modernise.modernise import Modernisation
from strangler.modernise.operation import operation_load, operation_names
from strangler.modernise.stages import STAGES


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
