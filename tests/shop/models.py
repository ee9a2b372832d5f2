"""The shop's tables, and where its paths begin."""

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.drf.http.urls import ApiPrefixes

# A service without a prefix.
PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")
SHOP = Mapping(contract=Path(__file__).with_name("contract.json"))


class Crate(Reflected):
    """What wares are kept in; its key is no `id`."""

    __mapping__ = SHOP
    __tablename__ = "shop_crate"

    serial: Mapped[UUID]
    label: Mapped[str]
    price: Mapped[Decimal]
    weight: Mapped[float]
    packed_on: Mapped[date | None]
    packed_at: Mapped[datetime]
    opened: Mapped[time | None]
    slug: Mapped[str]
    notes: Mapped[Any | None]


class Ware(Reflected):
    """A thing that is sold."""

    __mapping__ = SHOP
    __tablename__ = "shop_ware"

    id: Mapped[int]
    code: Mapped[str]
    title: Mapped[str]
    pieces: Mapped[int]
    sold: Mapped[bool]
    made_at: Mapped[datetime]
