"""Maps plain, typed classes onto tables that are reflected from the live database.

A service makes one base with a mapping of its own; each class below it names its table and annotates the columns that
the service needs:

    class Shop(Reflected):
        __mapping__ = Mapping(contract=Path(__file__).with_name("contract.json"))

    class Item(Shop):
        __tablename__ = "items"
        id: Mapped[int]
        name: Mapped[str]

The annotations serve mypy and are the consumer's side of the contract at once: what is annotated must be there.
Every other fact (SQL types, keys, other columns) comes from the database.
"""

from functools import cached_property
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Union, cast, get_args, get_origin, get_type_hints

from sqlalchemy import Connection, ForeignKeyConstraint, MetaData, PrimaryKeyConstraint, Table, inspect
from sqlalchemy.orm import Mapped, RelationshipProperty, registry

from shared_schema.catalog import table_key
from shared_schema.contract.contract import Contract, TableFacts, load_contract
from shared_schema.contract.overlay import overlay


class Mapping:
    """The classes of one service, and the tables that they stand for once they are mapped.

    Args:
        contract: the contract file of the project that owns the tables; None where each call names a contract.
    """

    def __init__(self, *, contract: Path | None = None) -> None:
        self._contract_file = contract
        self.classes: list[type[Reflected]] = []
        self._registry = registry()

    @cached_property
    def contract(self) -> Contract:
        """What Django keeps in Python about the tables.

        Raises:
            LookupError: the mapping was made without one.
            OSError: there is no such file.
            ValidationError: it is not of this format.
        """
        if self._contract_file is None:
            raise LookupError("This mapping has no contract: make it with Mapping(contract=FILE).")
        return load_contract(self._contract_file)

    @property
    def tables(self) -> dict[str, Table]:
        """The mapped tables by key; empty until `map`."""
        return dict(self._registry.metadata.tables)

    def class_of(self, table: str) -> "type[Reflected] | None":
        """The class of a table, by the contract's key; None where there is none."""
        return next((cls for cls in self.classes if cls.__table_key__ == table), None)

    def reflect(self, connection: Connection) -> MetaData:
        """The tables of every class as the database has them now; a table that isn't there is left out."""
        metadata = MetaData()
        for schema in {cls.__schema__ for cls in self.classes}:
            wanted = {cls.__tablename__ for cls in self.classes if cls.__schema__ == schema}
            metadata.reflect(
                connection,
                schema=schema,
                views=True,
                only=lambda name, _, wanted=wanted: name in wanted,
                resolve_fks=False,
            )
        return metadata

    def map(self, metadata: MetaData, contract: Contract | None = None) -> None:
        """Maps every class onto its table in `metadata`, with Django's defaults; a second call changes nothing.

        The defaults are those of `contract`, or of the mapping's own.

        Raises:
            KeyError: `metadata` lacks a table; check with `drift.consumer` first, which reports it as a sentence.
        """
        if self._registry.metadata.tables:
            return
        for table in metadata.tables.values():
            table.to_metadata(self._registry.metadata)
        facts = contract or self.contract
        overlay(self._registry.metadata, facts)
        for name, table in self._registry.metadata.tables.items():
            if name in facts.tables and facts.tables[name].managed and not table.primary_key.columns:
                _view_complete(table, facts.tables[name], self._registry.metadata)
        for cls in self.classes:
            relations: dict[str, Any] = _relations(cls)
            for name in relations:
                delattr(cls, name)
            table = self._registry.metadata.tables[cls.__table_key__]
            renamed = {name: table.columns[column] for name, column in cls.__columns__.items()}
            key = [table.columns[column] for column in cls.__primary_key__] or None
            kept = {*needed_columns(cls), *table.primary_key.columns.keys()}
            self._registry.map_imperatively(
                cls, table, properties=relations | renamed, primary_key=key, include_properties=kept
            )
        self._registry.configure()


class Reflected:
    """A class that stands for one table of the live database.

    `__columns__` says which column an attribute stands for, where its name can't be an attribute's: `{"price": "Unit
    Price"}`. `__primary_key__` are the columns that identify a row if the database has no key, as for a view.
    `__table_key__` is what the contract calls the table. Every other name may be a column's.
    """

    __mapping__: ClassVar[Mapping]
    __tablename__: ClassVar[str]
    __schema__: ClassVar[str | None] = None
    __columns__: ClassVar[dict[str, str]] = {}
    __primary_key__: ClassVar[tuple[str, ...]] = ()
    __table__: ClassVar[Table]
    __table_key__: ClassVar[str]

    def __init_subclass__(cls) -> None:
        if "__tablename__" in vars(cls):
            cls.__table_key__ = table_key(cls.__schema__, cls.__tablename__)
            cls.__mapping__.classes.append(cls)

    def __init__(self, **columns: object) -> None:
        for name, value in columns.items():
            setattr(self, name, value)


def primary_key(cls: type[Reflected]) -> Any:  # noqa: ANN401 - a mapped attribute
    """The attribute of a mapped class that is the key of its rows, whatever its name.

    Raises:
        LookupError: the key has several columns.
    """
    mapper = inspect(cls)
    if len(mapper.primary_key) != 1:
        names = ", ".join(column.name for column in mapper.primary_key)
        raise LookupError(
            f"Table {cls.__table_key__} has a key of several columns ({names}): give its rows a Listing instead."
        )
    return getattr(cls, mapper.get_property_by_column(mapper.primary_key[0]).key)


def needed_columns(cls: type[Reflected]) -> dict[str, tuple[type, bool]]:
    """The columns that `cls` annotates: name → (Python type, may be null)."""
    hints = get_type_hints(cls)
    relations = set(_relations(cls))
    return {
        cls.__columns__.get(name, name): _unwrap(get_args(hint)[0])
        for name, hint in hints.items()
        if get_origin(hint) is Mapped and name not in relations
    }


def _relations(cls: type[Reflected]) -> dict[str, RelationshipProperty[Any]]:
    """The relations of `cls`, before it is mapped or after."""
    return {
        name: prop
        for name, value in vars(cls).items()
        if isinstance(prop := getattr(value, "property", value), RelationshipProperty)
    }


def _view_complete(table: Table, facts: TableFacts, metadata: MetaData) -> None:
    """Give a view the keys of the table that it shows, which `strangler modernise` has renamed."""
    table.append_constraint(PrimaryKeyConstraint(*facts.primary_key))
    for name, column in facts.columns.items():
        if (pointed := column.references) is not None and pointed.table in metadata.tables:
            target = metadata.tables[pointed.table].columns[pointed.column]
            table.append_constraint(ForeignKeyConstraint([name], [target]))


def _unwrap(hint: object) -> tuple[type, bool]:
    if get_origin(hint) in (Union, UnionType):
        kept = [part for part in get_args(hint) if part is not type(None)]
        return kept[0], len(kept) < len(get_args(hint))
    return cast("type", hint), False
