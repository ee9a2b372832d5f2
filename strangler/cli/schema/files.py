"""The two files that the commands read, as options."""

from pathlib import Path
from typing import Annotated

import typer

ContractFile = Annotated[
    Path | None,
    typer.Option("--contract", metavar="FILE", help="Another contract file than the project's."),
]
ConsumerFile = Annotated[
    Path | None,
    typer.Option("--consumer", metavar="FILE", help="Another consumer file than the project's."),
]
