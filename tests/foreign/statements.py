"""What a service beside the library sends; `python -m tests.foreign.statements CONTRACT` prints its consumer.json."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, func, inspect, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from shared_schema.consumer.derivation import derive_consumer, render_consumer
from shared_schema.consumer.samples import Deletion, Sample, Sent
from shared_schema.contract.contract import load_contract
from tests.foreign.consumer import (
    LIBRARY,
    Book,
    Copy,
    Entry,
    EntrySeen,
    Item,
    LegacyAccount,
    Loan,
    Member,
    Note,
    Opening,
    OrderItem,
    Popularity,
    Publisher,
    Subject,
)

ID = UUID(int=7)
# As many as the library has tables and more, and deleted from where much hangs on it.
DELETED = ("books_item", "books_publisher", "lending_member", "lending_opening", "Order Items", "audit.entries")


def every_class() -> Iterator[Sent]:
    """Whole objects, of all that is annotated."""
    for cls in LIBRARY.classes:
        yield Sample(f"all of {cls.__table_key__}", select(cls).order_by(*inspect(cls).primary_key).limit(3))


def items() -> Iterator[Sent]:
    """Inheritance, a view, arrays and JSON."""
    known = select(Book.item_ptr_id, Item.title).join(Item, Item.id == Book.item_ptr_id).cte("known")
    loans = func.coalesce(Popularity.loans, 0)
    yield Sample(
        "popular books",
        select(known.c.title, loans).outerjoin(Popularity, Popularity.item_id == known.c.item_ptr_id).order_by(loans),
    )
    keyword = bindparam("keyword")
    yield Sample(
        "items by keyword",
        select(Item.id, Item.facts["pages"].as_string()).where(keyword == func.any(Item.keywords)),
        {"keyword": "sea"},
    )
    row = {"title": "Sea", "language_id": "en", "mark": "A-1", "price": Decimal("9.90"), "loan_time": timedelta(days=7)}
    yield Sample("item insert", insert(Item.__table__).values(id=ID, **row).returning(Item.id, Item.rank))
    yield Sample("item change", update(Item.__table__).where(Item.id == ID).values(facts={"a": 1}, keywords=["sea"]))
    added = insert(Publisher.__table__).values(id=ID, name="Sea", slug="sea")
    upsert = added.on_conflict_do_update(index_elements=["id"], set_={"name": added.excluded.name})
    yield Sample("publisher upsert", upsert.returning(Publisher.slug))
    path = select(Subject.id, Subject.parent_id).where(Subject.id == 1).cte("path", recursive=True)
    above = select(Subject.id, Subject.parent_id).join(path, Subject.id == path.c.parent_id)
    yield Sample("subject path", select(path.union(above)))
    yield Sample("note count", select(func.count()).select_from(Note))
    yield from map(Deletion, DELETED[:2])


def lending() -> Iterator[Sent]:
    """Keys of several columns, of text and of another column, a lock, a LATERAL."""
    latest = select(Loan.id).where(Loan.member_id == Member.card).order_by(Loan.id.desc()).limit(1).lateral("latest")
    yield Sample("latest loans", select(Member.card, latest.c.id).join(latest, true()))
    place = tuple_(Opening.weekday, Opening.branch_id) == tuple_(bindparam("day"), bindparam("branch"))
    yield Sample("opening", select(Opening.opens).where(place), {"day": 1, "branch": "main"})
    yield Sample("opening insert", insert(Opening.__table__).values(weekday=1, branch_id="main", stamp=b"\x00\xff"))
    yield Sample("copies to lend", select(Copy.id).where(Copy.number > 0).with_for_update(skip_locked=True))
    yield Sample("member insert", insert(Member.__table__).values(card="C-77").returning(Member.id))
    yield Sample("account insert", insert(LegacyAccount.__table__).values({"number": 7, "Owner": "Ann"}))
    yield from map(Deletion, DELETED[2:4])


def orders() -> Iterator[Sent]:
    """Names that need quoting."""
    row = {"select": True, "Unit Price": Decimal("1.5"), "Off, in parts of 100": 50}
    yield Sample("order insert", insert(OrderItem.__table__).values(row).returning(OrderItem.id))
    yield Sample("order change", update(OrderItem.__table__).where(OrderItem.percent > 50).values(row))
    yield Sample("dear orders", select(OrderItem.id).where(OrderItem.unit_price > OrderItem.percent))
    yield Deletion(DELETED[4])


def audit() -> Iterator[Sent]:
    """Another schema."""
    ids = bindparam("ids", type_=ARRAY(BigInteger))
    seen = select(Entry.verb).join(EntrySeen, EntrySeen.entry_id == Entry.id).where(Entry.id == func.any(ids))
    yield Sample("entries seen", seen, {"ids": [1]})
    yield Sample("entry insert", insert(Entry.__table__).values(actor_id=1, object_id="7").returning(Entry.id))
    yield Deletion(DELETED[5])


FEATURES = {"audit": audit, "items": items, "lending": lending, "orders": orders, "whole": every_class}

if __name__ == "__main__":
    print(render_consumer(derive_consumer(LIBRARY, load_contract(Path(sys.argv[1])), FEATURES)), end="")  # noqa: T201 - its only answer
