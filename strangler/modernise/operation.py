"""One operation on the schema, as its reviewed file describes it (`modernise/NAME.toml`)."""

import re
import tomllib
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from strangler.errors import UsageError

# With the longest stage behind it a name is Alembic's revision, of at most 32 characters.
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,22}")
_EXAMPLE: Final = 'write [rename_column] with table = "…", column = "…", to = "…" (docs/finishing.md)'


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RenameColumn(_Part):
    """Give a column another name."""

    table: str = Field(min_length=1)
    column: str = Field(min_length=1)
    to: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"rename {self.table}.{self.column} to {self.to}"


class RenameTable(_Part):
    """Give a table another name."""

    table: str = Field(min_length=1)
    to: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"rename {self.table} to {self.to}"


Change = RenameColumn | RenameTable


class OperationFile(_Part):
    """The file: one table of it, which names the kind of operation."""

    rename_column: RenameColumn | None = None
    rename_table: RenameTable | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "OperationFile":
        if len(self.model_fields_set) != 1:
            raise ValueError(f"it holds {len(self.model_fields_set)} operations, and one is wanted")
        return self

    @property
    def change(self) -> Change:
        """The one operation."""
        (name,) = self.model_fields_set
        found: Change = getattr(self, name)
        return found


def operation_load(folder: Path, name: str) -> OperationFile:
    """The operation of that name.

    :raises UsageError: there is no such file, or it is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of an operation", "name it with up to 23 small letters, digits and underscores"
        )
    file = folder / f"{name}.toml"
    try:
        return OperationFile.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{file} can't be read ({error.strerror})", _EXAMPLE) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no TOML ({error})", _EXAMPLE) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{file} is no operation ({place + ': ' if place else ''}{first['msg']})", _EXAMPLE) from error


def operation_names(folder: Path) -> tuple[str, ...]:
    """The names of all operations that have a file."""
    return tuple(sorted(file.stem for file in folder.glob("*.toml")))
