"""Mapped classes are found by their tables."""

from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.orm import Mapped

from shared_schema.contract.contract import Contract
from shared_schema.mapping import Mapping, Reflected

TOKENS = Mapping()


class Token(Reflected):
    __mapping__ = TOKENS
    __tablename__ = "authtoken_token"
    key: Mapped[str]  # as DRF's table has it


def test_a_class_is_found_also_where_a_column_is_called_key() -> None:
    metadata = MetaData()
    Table("authtoken_token", metadata, Column("key", String, primary_key=True))
    TOKENS.map(metadata, Contract.model_validate({"format": 2, "tables": {}}))
    assert TOKENS.class_of("authtoken_token") is Token
    assert TOKENS.class_of("another") is None
