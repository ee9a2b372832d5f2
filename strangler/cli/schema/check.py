"""`strangler schema check`: does everybody agree on the tables?"""

from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.output import json_print, out, say
from strangler.cli.schema.inputs import ConsumerFile, ContractFile, DjangoTimeout, ManageOption, reach
from strangler.schema.comparison import SchemaComparison, SchemaSides, check_all, unseen_writes
from strangler.schema.django_side import TIMEOUT_SECONDS
from strangler.schema.grants import writing_features
from strangler.settings import settings_load

_FOUND: Final = 1
_NOT_COMPARED: Final = 4


class Party(StrEnum):
    """Who can be left out; the contract can't."""

    DJANGO = "django"
    DATABASE = "database"
    FASTAPI = "fastapi"


def check(
    contract: ContractFile = None,
    consumer: ConsumerFile = None,
    without: Annotated[
        list[Party] | None,
        typer.Option("--without", help="Leave one out: no Django here, no database in CI."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="TABLE", help="A table, or table.column, that may differ: 'old_*'."),
    ] = None,
    manage: ManageOption = None,
    timeout: DjangoTimeout = TIMEOUT_SECONDS,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")] = False,
) -> None:
    """Compare Django's models, its migrations, the database, the contract and FastAPI, and name what differs.

    Exits with 0 if all agree, 1 if not, 4 if something could not be compared.
    """
    settings = settings_load()
    left_out = set(without or ())
    reached = reach(
        settings,
        database=Party.DATABASE not in left_out,
        django=Party.DJANGO not in left_out,
        manage=manage,
        timeout=timeout,
    )
    fastapi = settings.project.load_consumer(consumer) if Party.FASTAPI not in left_out else None
    routes = settings.project.load_routes()
    moved = () if settings.fastapi_read_only else routes.moved_writes
    checked = SchemaSides(
        contract=settings.project.load_contract(contract),
        consumer=fastapi,
        project=reached.project,
        dsn=reached.owner_dsn,
        role=reached.role,
        writers=writing_features(moved, fastapi) if fastapi else (),
        unused=routes.unused_features,
    )
    comparisons = []
    for comparison in check_all(checked):
        comparisons.append(comparison.without(ignore or ()))
        if not as_json:
            _line(comparisons[-1])
    exit_code = _exit_code(comparisons)
    if as_json:
        document = {"ok": exit_code == 0, "comparisons": [comparison.as_json() for comparison in comparisons]}
        json_print(document)
    else:
        for sentence in dict.fromkeys(str(found) for each in comparisons for found in each.mismatches):
            say(sentence)
        for note in unseen_writes(checked.contract, checked.consumer):
            say(f"Note: {note}")
    raise typer.Exit(exit_code)


def _line(comparison: SchemaComparison) -> None:
    word, colour = (f"{len(comparison.mismatches)}", "red") if comparison.mismatches else ("ok", "green")
    if comparison.problem is not None:
        word, colour = "?", "yellow"
    line = comparison.name + (f": {comparison.problem}" if comparison.problem else "")
    out.print(Text(f"{word:<4}", style=colour) + Text(line))


def _exit_code(comparisons: list[SchemaComparison]) -> int:
    if any(comparison.problem is not None for comparison in comparisons):
        return _NOT_COMPARED
    return 0 if all(comparison.is_ok for comparison in comparisons) else _FOUND
