"""Maps plain, typed classes onto tables that are reflected from the live database.

A class names its table and annotates the columns that the service needs:

    class Tag(Reflected):
        __tablename__ = "tags"
        id: Mapped[int]
        name: Mapped[str]

The annotations serve mypy and are the consumer's side of the contract at once: what is annotated must be there.
Every other fact (SQL types, keys, the columns nobody here asks for) comes from the database.
"""

from collections.abc import Sequence
from types import UnionType
from typing import Any, ClassVar, Union, cast, get_args, get_origin, get_type_hints

from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.orm import Mapped, RelationshipProperty, registry

_registry = registry()
_classes: list[type["Reflected"]] = []


class Reflected:
    """A class that stands for one table of the live database.

    `__writes__` lists the SQL privileges, beyond SELECT, that the service needs on the table; `__deletes__` says that
    it deletes rows, with all that hangs on them (`deletion`).
    """

    __tablename__: ClassVar[str]
    __table__: ClassVar[Table]
    __writes__: ClassVar[tuple[str, ...]] = ()
    __deletes__: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        _classes.append(cls)

    def __init__(self, **columns: object) -> None:
        for name, value in columns.items():
            setattr(self, name, value)


def mapped_classes() -> Sequence[type[Reflected]]:
    """Every class that stands for a table, in the order of definition."""
    return tuple(_classes)


def needed_columns(cls: type[Reflected]) -> dict[str, tuple[type, bool]]:
    """The columns that `cls` annotates: name → (Python type, may be null)."""
    hints = get_type_hints(cls)
    relations = set(_relations(cls))
    return {
        name: _unwrap(get_args(hint)[0])
        for name, hint in hints.items()
        if get_origin(hint) is Mapped and name not in relations
    }


def reflect(connection: Connection) -> MetaData:
    """The tables of every mapped class as the database has them now; a table that isn't there is left out."""
    metadata = MetaData()
    wanted = {cls.__tablename__ for cls in _classes}
    metadata.reflect(connection, only=lambda name, _: name in wanted, resolve_fks=False)
    return metadata


def map_classes(metadata: MetaData) -> None:
    """Maps every class onto its reflected table; a second call changes nothing.

    Raises:
        KeyError: `metadata` lacks a table; `drift.find_mismatches` says so in words, so ask it first.
    """
    if _registry.metadata.tables:
        return
    for table in metadata.tables.values():
        table.to_metadata(_registry.metadata)
    for cls in _classes:
        relations: dict[str, Any] = _relations(cls)
        for name in relations:
            delattr(cls, name)
        _registry.map_imperatively(cls, _registry.metadata.tables[cls.__tablename__], properties=relations)
    _registry.configure()


def _relations(cls: type[Reflected]) -> dict[str, RelationshipProperty[Any]]:
    """The relations of `cls`, before it is mapped or after."""
    return {
        name: prop
        for name, value in vars(cls).items()
        if isinstance(prop := getattr(value, "property", value), RelationshipProperty)
    }


def _unwrap(hint: object) -> tuple[type, bool]:
    if get_origin(hint) in (Union, UnionType):
        kept = [part for part in get_args(hint) if part is not type(None)]
        return kept[0], len(kept) < len(get_args(hint))
    return cast("type", hint), False
