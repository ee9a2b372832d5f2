"""The five stages of an operation, and what a plan of one holds."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from strangler.handover.steps import Action, Step

STAGES: Final = ("expand", "backfill", "verify", "cutover", "contract")
FUNCTION_PREFIX: Final = "strangler_sync_"
_DIGEST_LENGTH: Final = 10


@dataclass(frozen=True, kw_only=True)
class Synced:
    """Columns of a table that a trigger keeps equal, or names (`views`) of one that is a table and a view of it."""

    table: str = ""
    columns: tuple[str, ...] = ()
    views: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OperationPlan:
    """The stages in their order, each a step of actions; `notes` say what they don't do.

    `unsafe` are sentences on what may be forced.
    """

    title: str
    stages: tuple[Step, ...]
    synced: Synced
    notes: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()

    @property
    def checksum(self) -> str:
        """A digest of all statements, in either direction."""
        return checksum_of(self.stages)


def stage_steps(titles: Sequence[str], actions: Sequence[Iterable[Action]]) -> tuple[Step, ...]:
    """The five steps, from their titles and actions in the order of `STAGES`."""
    found = zip(STAGES, titles, actions, strict=True)
    return tuple(Step(kind=stage, title=title, actions=tuple(each)) for stage, title, each in found)


def checksum_of(stages: Iterable[Step]) -> str:
    """A digest of all that the stages do."""
    parts = [[*action.statements, "|", *action.undo, repr(action.work)] for stage in stages for action in stage.actions]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_DIGEST_LENGTH]
