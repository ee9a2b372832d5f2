"""Whether the database is as the contract and FastAPI want it, for those who ask again and again."""

from dataclasses import dataclass

from strangler.cli.schema.inputs import reach
from strangler.errors import StranglerError
from strangler.schema.comparison import SchemaSides, check_all
from strangler.schema.grants import writing_features
from strangler.settings import LocalSettings


@dataclass(frozen=True, kw_only=True)
class SchemaDrift:
    """What differs, a sentence for each; `problem` is why something could not be compared."""

    mismatches: tuple[str, ...] = ()
    problem: str = ""


def schema_drift(settings: LocalSettings) -> SchemaDrift:
    """Compare the tables of the database that the settings lead to; Django isn't asked."""
    project = settings.project
    try:
        reached = reach(settings, django=False)
        consumer, routes = project.load_consumer(), project.load_routes()
        sides = SchemaSides(
            contract=project.load_contract(),
            consumer=consumer,
            project=None,
            dsn=reached.owner_dsn,
            role=reached.role,
            writers=writing_features(routes.moved_writes, consumer),
            unused=routes.unused_features,
        )
        compared = list(check_all(sides))
    except StranglerError as error:
        return SchemaDrift(problem=str(error))
    problems = [each.problem for each in compared if each.problem]
    return SchemaDrift(
        mismatches=tuple(str(mismatch) for each in compared for mismatch in each.mismatches),
        problem=problems[0] if problems else "",
    )
