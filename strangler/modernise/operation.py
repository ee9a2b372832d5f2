"""One operation on the schema, as its reviewed file describes it (`modernise/NAME.toml`)."""

import re
import tomllib
from pathlib import Path
from typing import Final, Literal, Self

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


class ChangeType(_Part):
    """Give a column another type, and another name too if there is a `to`.

    `using` makes the new value of the old one, `back` the old one of the new; each names the column. `lossy` allows
    values that don't come back as they were.
    """

    table: str = Field(min_length=1)
    column: str = Field(min_length=1)
    type: str = Field(min_length=1)
    to: str = ""
    using: str = ""
    back: str = ""
    lossy: bool = False

    def __str__(self) -> str:
        return f"change {self.table}.{self.column} to {self.type}" + (f" as {self.to}" if self.to else "")


class NewColumn(_Part):
    """A column that gets a part of another one: `using` makes its value of that; `null` allows NULL."""

    type: str = Field(min_length=1)
    using: str = Field(min_length=1)
    null: bool = False


class SplitColumn(_Part):
    """Put the parts of a column `into` several, by their names; `back` makes the old value of the new ones.

    `lossy` allows values that don't come back as they were.
    """

    table: str = Field(min_length=1)
    column: str = Field(min_length=1)
    into: dict[str, NewColumn] = Field(min_length=2)
    back: str = Field(min_length=1)
    lossy: bool = False

    def __str__(self) -> str:
        return f"split {self.table}.{self.column} into {' and '.join(self.into)}"


class MergeColumns(_Part):
    """Put several `columns` into one, made by `using`; each old name has what makes its value of the new one.

    `null` allows NULL in the new one, `lossy` values that don't come back as they were.
    """

    table: str = Field(min_length=1)
    columns: dict[str, str] = Field(min_length=2)
    into: str = Field(min_length=1)
    type: str = Field(min_length=1)
    using: str = Field(min_length=1)
    null: bool = False
    lossy: bool = False

    def __str__(self) -> str:
        return f"merge {' and '.join(self.columns)} of {self.table} into {self.into}"


class AddConstraint(_Part):
    """Add one of: a `check`, a `unique` of columns, a `not_null` column, a `column` that `references` another table."""

    table: str = Field(min_length=1)
    name: str = Field(min_length=1, max_length=63)
    check: str = ""
    unique: tuple[str, ...] = ()
    not_null: str = ""
    column: str = ""
    references: str = ""
    on_delete: Literal["", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"] = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(map(bool, (self.check, self.unique, self.not_null, self.references))) != 1:
            raise ValueError("one of check, unique, not_null and references is wanted")
        if bool(self.column) != bool(self.references):
            raise ValueError("column and references belong together")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names."""
        return tuple(filter(None, (*self.unique, self.not_null, self.column)))

    def __str__(self) -> str:
        return f"add {self.name} to {self.table}"


class ReplaceIndex(_Part):
    """Build an index of a `definition` such as `btree (author_id, made DESC)`, and drop the one that it `replaces`."""

    table: str = Field(min_length=1)
    name: str = Field(min_length=1, max_length=63)
    definition: str = Field(min_length=1)
    unique: bool = False
    replaces: str = ""

    def __str__(self) -> str:
        instead = f" instead of {self.replaces}" if self.replaces else ""
        return f"index {self.table} by {self.name}{instead}"


class DropColumn(_Part):
    """Drop a column, after it was set apart and archived."""

    table: str = Field(min_length=1)
    column: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"drop {self.table}.{self.column}"


class DropTable(_Part):
    """Drop a table, after it was set apart and archived."""

    table: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"drop {self.table}"


Change = (
    RenameColumn
    | RenameTable
    | ChangeType
    | SplitColumn
    | MergeColumns
    | AddConstraint
    | ReplaceIndex
    | DropColumn
    | DropTable
)


class OperationFile(_Part):
    """The file: one table of it, which names the kind of operation."""

    rename_column: RenameColumn | None = None
    rename_table: RenameTable | None = None
    change_type: ChangeType | None = None
    split_column: SplitColumn | None = None
    merge_columns: MergeColumns | None = None
    add_constraint: AddConstraint | None = None
    replace_index: ReplaceIndex | None = None
    drop_column: DropColumn | None = None
    drop_table: DropTable | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
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
