"""An operation on a small schema that was handed over, without a Django or a FastAPI beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared_schema.consumer.consumer import Consumer
from shared_schema.contract.contract import Contract
from strangler.handover.baseline import upgrade
from strangler.handover.execution import LockPatience
from strangler.handover.journal import HandoverEntry
from strangler.modernise.journal import OperationFolder
from strangler.modernise.modernisation import Modernisation
from strangler.modernise.modernise import StageIntent, modernise_back, modernise_next
from strangler.modernise.rows import Pace
from strangler.modernise.stages import STAGES
from strangler.modernise.survival import Services
from tests.handovers import SmallHandover, small_handover

INTENT = StageIntent(command="modernise next")
FORCED = StageIntent(command="modernise next --force", reason="nobody runs", forced=True)
NOBODY = Services(consumer=None, contract=Contract.model_validate({"format": 2, "tables": {}}))

_COLUMNS = """
    SELECT table_name, column_name, is_nullable, column_default, data_type FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY 1, 2
"""


@dataclass(frozen=True)
class SmallOperation:
    """One operation, `NAME`, on a database of its own."""

    small: SmallHandover
    modernisation: Modernisation
    name: str

    @property
    def folder(self) -> OperationFolder:
        return self.modernisation.folder(self.name)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.small.run(*statements)

    def next(self, intent: StageIntent = INTENT) -> HandoverEntry:
        entry = modernise_next(self.modernisation, self.name, intent=intent)
        assert entry is not None
        return entry

    def to(self, stage: str) -> None:
        """Go on until that stage is done."""
        for _ in STAGES:
            if self.next().steps[0].startswith(f"{stage}:"):
                return
        raise AssertionError(f"{stage} was not reached")

    def back(self, intent: StageIntent = INTENT) -> HandoverEntry:
        return modernise_back(self.modernisation, self.name, intent=intent)

    def described(self, text: str, name: str = "") -> "SmallOperation":
        """Another operation on the same database."""
        file = self.modernisation.files / f"{name or self.name}.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return replace(self, name=name or self.name)

    def served(self, consumer: Consumer | None, contract: Contract = NOBODY.contract) -> "SmallOperation":
        """The same with these services on the database."""
        services = Services(consumer=consumer, contract=contract)
        return replace(self, modernisation=replace(self.modernisation, services=services))


@contextmanager
def small_operation(*, admin_dsn: str, name: str, folder: Path, file: str) -> Iterator[SmallOperation]:
    """The operation that `file` describes, after the handover of the small schema."""
    with small_handover(admin_dsn=admin_dsn, name=name, folder=folder) as small:
        small.apply()
        modernisation = Modernisation(
            source=small.handover.source,
            services=NOBODY,
            alembic=small.handover.alembic,
            files=folder / "modernise",
            state=folder / "state" / "modernise",
            patience=LockPatience(timeout=0.1, tries=2),
            throttle=Pace(rows=1, pause=0),
        )
        yield SmallOperation(small, modernisation, "change").described(file)


@contextmanager
def made_elsewhere(operation: SmallOperation, folder: Path) -> Iterator[SmallHandover]:
    """An empty database that the operation's revisions were run in, which has the same columns then."""
    database = operation.small.database
    folder.mkdir()
    with small_handover(
        admin_dsn=database.admin_dsn, name=f"{database.name}_fresh", folder=folder, schema="SELECT"
    ) as fresh:
        upgrade(operation.modernisation.alembic, fresh.database.owner_dsn)
        assert fresh.run(_COLUMNS) == operation.run(_COLUMNS)
        yield fresh
