"""The handover of the schema's ownership from Django to Alembic: what it is of, and its plan."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strangler.databases.connections import Source, connected, refusals
from strangler.errors import FailedError, UsageError
from strangler.handover.baseline import (
    folder_require_free,
    is_handed_over,
    revisions_of,
)
from strangler.handover.execution import LockPatience
from strangler.handover.journal import HandoverFolder
from strangler.handover.live import plan_for
from strangler.handover.rehearsal import RehearsalSubject, StepChoice, rehearse
from strangler.handover.steps import StepPlan, named
from strangler.schema.comparison import SchemaSides, check_all
from strangler.schema.django_side import is_installed

_LOG: Final = logging.getLogger(__name__)
_NOT_INSTALLED: Final = (
    "strangler_django isn't installed, and Django would go on migrating Alembic's tables: "
    "add it to INSTALLED_APPS of every process that migrates."
)
_DATABASE: Final = "the database and the contract"


@dataclass(frozen=True, kw_only=True)
class Handover:
    """What is handed over, where Alembic's folder will be, and `variable`, which holds the database's address there."""

    subject: RehearsalSubject
    folder: HandoverFolder
    alembic: Path
    variable: str
    patience: LockPatience = field(default_factory=LockPatience)

    @property
    def source(self) -> Source:
        """The live database."""
        return self.subject.source


@dataclass(frozen=True, kw_only=True)
class HandoverPlan:
    """What an apply would do.

    `unclean` are sentences on a starting state that has to be put right first; `drift` on what Django's migrations
    would make in another way, which may be forced. With either of them there may be no steps yet.
    """

    steps: StepPlan
    choice: StepChoice
    unclean: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def checksum(self) -> str:
        """Of the steps; what differs is part of it where it is forced."""
        return self.steps.checksum


def handover_plan(handover: Handover, *, without: Collection[str] = ()) -> HandoverPlan:
    """What an apply would do now; rehearsed on clones, there and back.

    :raises UsageError: the schema is handed over already, or Alembic has other revisions.
    :raises FailedError: the database or Django doesn't answer, or a step fails in the rehearsal.
    """
    with connected(handover.source.owner_dsn) as connection, refusals():
        revisions = revisions_of(connection)
    if handover.folder.read() is not None:
        raise UsageError("a handover is done or under way", "see strangler handover verify, or take it back first")
    if is_handed_over(handover.source.owner_dsn):
        raise UsageError(
            f"the schema is handed over already, and {handover.folder.path} isn't the state folder of that",
            "work where it was done",
        )
    if revisions is not None:
        raise UsageError(
            f"alembic_version is there already, at {named(revisions) or 'no revision'}",
            "hand over once; if another program keeps revisions there, let it use another version_table",
        )
    folder_require_free(handover.alembic)
    unclean, drift = _starting_state(handover)
    choice = StepChoice(without=tuple(without))
    if unclean:
        return HandoverPlan(steps=StepPlan(steps=()), choice=choice, unclean=unclean, drift=drift)
    steps, skipped = plan_for(handover.source.owner_dsn, handover.subject.contract, without=without)
    choice = StepChoice(without=tuple(without), skipped=skipped)
    found = rehearse(handover.subject, steps, choice, notify=_LOG.info)
    return HandoverPlan(steps=steps, choice=choice, drift=(*drift, *found))


def _starting_state(handover: Handover) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences on what has to be put right first, and on tables that differ from the contract.

    :raises FailedError: something can't be compared.
    """
    sides = SchemaSides(
        contract=handover.subject.contract,
        consumer=None,
        project=handover.subject.project,
        dsn=handover.source.owner_dsn,
        role=None,
        writers=(),
    )
    unclean: list[str] = []
    drift: list[str] = []
    for comparison in check_all(sides):
        if comparison.problem is not None:
            raise FailedError(f"{comparison.name} can't be compared ({comparison.problem.rstrip('.')}).")
        sentences = drift if comparison.name == _DATABASE else unclean
        sentences += [str(mismatch) for mismatch in comparison.mismatches]
    if not is_installed(handover.subject.project):
        unclean.append(_NOT_INSTALLED)
    return tuple(dict.fromkeys(unclean)), tuple(dict.fromkeys(drift))
