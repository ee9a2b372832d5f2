"""`strangler schema graph`: a picture of the tables."""

from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.output import out
from strangler.cli.schema.inputs import ConsumerFile, ContractFile
from strangler.errors import FailedError
from strangler.schema.graph import graph_make, graph_text
from strangler.settings import settings_load


def graph(
    contract: ContractFile = None,
    consumer: ConsumerFile = None,
    table: Annotated[
        list[str] | None, typer.Option("--table", metavar="TABLE", help="Only this one, and what is next to it.")
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option("--feature", metavar="NAME", help="Only what this one of FastAPI's touches.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to write; else it is printed.")
    ] = None,
) -> None:
    """Draw the tables as a Mermaid flowchart: their foreign keys, and which feature reads and writes which.

    More than Mermaid draws at once is a Markdown page with a flowchart for each app.
    """
    settings = settings_load()
    tables = settings.project.load_contract(contract)
    drawn = graph_text(
        graph_make(tables, settings.project.load_consumer(consumer), tables=table or (), features=feature or ()),
        tables,
    )
    if output is None:
        out.out(drawn, end="")
        return
    try:
        output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise FailedError(f"{output} can't be written ({error.strerror})", "name another file") from error
