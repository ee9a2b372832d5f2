"""Changes of the schema that the settings name."""

from strangler.deployment.local_stack import LocalStack
from strangler.deployment.source import source_of
from strangler.handover.execution import LockPatience
from strangler.modernise.modernisation import Modernisation
from strangler.modernise.rows import Pace
from strangler.modernise.survival import Services
from strangler.settings import LocalSettings

FOLDER = "modernise"


def modernisation_open(
    settings: LocalSettings, *, patience: LockPatience | None = None, throttle: Pace | None = None
) -> Modernisation:
    """The project's operations; a project without a consumer file has no FastAPI yet.

    :raises UsageError: a setting is wrong, or the database doesn't answer.
    """
    stack, project = LocalStack(settings, state_dir=settings.state_dir), settings.project
    consumer = project.load_consumer() if project.consumer.exists() else None
    return Modernisation(
        source=source_of(stack),
        services=Services(consumer=consumer, contract=project.load_contract()),
        alembic=project.alembic,
        files=project.root / FOLDER,
        state=stack.folder.path / FOLDER,
        patience=patience or LockPatience(),
        throttle=throttle or Pace(),
    )
