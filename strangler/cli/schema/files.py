"""The two files that the commands read, as options."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from shared_schema.consumer.consumer import Consumer, load_consumer
from shared_schema.contract.contract import Contract, load_contract
from strangler.errors import UsageError
from strangler.settings import LocalSettings

_Read = TypeVar("_Read")

ContractFile = Annotated[
    Path | None,
    typer.Option("--contract", metavar="FILE", help="Another contract file than the project's."),
]
ConsumerFile = Annotated[
    Path | None,
    typer.Option("--consumer", metavar="FILE", help="Another consumer file than the project's."),
]


def contract_read(file: Path | None, settings: LocalSettings) -> Contract:
    """What the contract file says.

    :raises UsageError: there is none, or it is none.
    """
    return _read(file or settings.project.contract, load_contract, "`manage.py export_schema --output FILE` writes it")


def consumer_read(file: Path | None, settings: LocalSettings) -> Consumer:
    """What FastAPI's features say that they need.

    :raises UsageError: there is no such file, or it is none.
    """
    return _read(file or settings.project.consumer, load_consumer, "`python -m fastapi_app.consumer` writes it")


def _read(file: Path, load: Callable[[Path], _Read], mend: str) -> _Read:
    try:
        return load(file)
    except OSError as error:
        raise UsageError(f"{file} can't be read ({error.strerror}): {mend}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise UsageError(f"{file} is wrong at {where} ({first['msg']}): {mend}.") from error
