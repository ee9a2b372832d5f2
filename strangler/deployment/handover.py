"""The handover of the schema that the settings name."""

from strangler.deployment.local_stack import LocalStack
from strangler.deployment.source import source_of
from strangler.handover.execution import LockPatience
from strangler.handover.journal import HandoverFolder
from strangler.handover.plan import Handover
from strangler.handover.rehearsal import RehearsalSubject
from strangler.schema.django_side import django_project
from strangler.settings import LocalSettings


def handover_open(settings: LocalSettings, *, lock_timeout: float, tries: int) -> Handover:
    """The handover of the project's schema; one try waits `lock_timeout` seconds for a lock.

    :raises UsageError: a setting is wrong, the database doesn't answer, or the project file names no `manage`.
    """
    stack = LocalStack(settings, state_dir=settings.state_dir)
    project = django_project(settings, stack.connections_resolve())
    direct = [name for name, text in project.addresses.items() if text == "{owner_url}"]
    return Handover(
        subject=RehearsalSubject(source=source_of(stack), project=project, contract=settings.project.load_contract()),
        folder=HandoverFolder(stack.folder.path / "handover"),
        alembic=settings.project.alembic,
        variable=next(iter(sorted(direct)), "DATABASE_URL"),
        patience=LockPatience(timeout=lock_timeout, tries=tries),
    )
