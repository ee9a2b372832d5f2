"""The library's tables as a service beside Django maps them; it imports no Django."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from shared_schema.mapping import Mapping, Reflected

LIBRARY = Mapping()


class Library(Reflected):
    """A table of the library."""

    __mapping__ = LIBRARY


class Language(Library):
    """A language, by its code."""

    __tablename__ = "books_language"

    code: Mapped[str]
    name: Mapped[str]


class Publisher(Library):
    """Who publishes."""

    __tablename__ = "books_publisher"

    id: Mapped[UUID]
    name: Mapped[str]
    slug: Mapped[str]
    parent_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Subject(Library):
    """What something is about."""

    __tablename__ = "books_subject"

    id: Mapped[int]
    name: Mapped[str]
    parent_id: Mapped[int | None]


class RelatedSubject(Library):
    """That two subjects have to do with each other; Django writes it both ways."""

    __tablename__ = "books_subject_related"

    id: Mapped[int]
    from_subject_id: Mapped[int]
    to_subject_id: Mapped[int]


class Note(Library):
    """What somebody wrote about anything."""

    __tablename__ = "books_note"

    id: Mapped[int]
    text: Mapped[str]
    content_type_id: Mapped[int]
    object_id: Mapped[str]


class Item(Library):
    """Anything that can be had."""

    __tablename__ = "books_item"

    id: Mapped[UUID]
    title: Mapped[str]
    language_id: Mapped[str]
    publisher_id: Mapped[UUID | None]
    replaces_id: Mapped[UUID | None]
    mark: Mapped[str]
    condition: Mapped[str]
    audience: Mapped[int]
    price: Mapped[Decimal]
    loan_time: Mapped[timedelta]
    published_on: Mapped[date | None]
    added_at: Mapped[datetime]
    rank: Mapped[int]
    facts: Mapped[dict[str, Any]]
    keywords: Mapped[list[str]]
    cover: Mapped[bytes | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ItemSubject(Library):
    """That an item is about a subject."""

    __tablename__ = "books_item_subjects"

    id: Mapped[int]
    item_id: Mapped[UUID]
    subject_id: Mapped[int]


class Book(Library):
    """The rest of an item's row that has pages."""

    __tablename__ = "books_book"

    item_ptr_id: Mapped[UUID]
    isbn: Mapped[str]
    pages: Mapped[int]
    spine: Mapped[str | None]


class AudioBook(Library):
    """The rest of a book's row that is read aloud."""

    __tablename__ = "books_audiobook"

    book_ptr_id: Mapped[UUID]
    minutes: Mapped[int]
    voice: Mapped[str | None]


class Popularity(Library):
    """How often an item was borrowed: a view, of which PostgreSQL knows neither a key nor what may be null."""

    __tablename__ = "books_popularity"
    __primary_key__ = ("item_id",)

    item_id: Mapped[UUID | None]
    loans: Mapped[int | None]


class Branch(Library):
    """A house of the library, by its name."""

    __tablename__ = "lending_branch"

    name: Mapped[str]
    phone: Mapped[str]


class Shelf(Library):
    """A shelf of a branch."""

    __tablename__ = "lending_shelf"

    id: Mapped[int]
    branch_id: Mapped[str]


class Opening(Library):
    """When a branch is open; a key of two columns."""

    __tablename__ = "lending_opening"

    weekday: Mapped[int]
    branch_id: Mapped[str]
    opens: Mapped[time]
    since: Mapped[date]
    seal: Mapped[bytes]
    stamp: Mapped[bytes]


class Copy(Library):
    """One of an item's copies."""

    __tablename__ = "lending_copy"

    id: Mapped[int]
    item_id: Mapped[UUID]
    branch_id: Mapped[str]
    shelf_id: Mapped[int | None]
    number: Mapped[int]


class Member(Library):
    """Somebody who may borrow."""

    __tablename__ = "lending_member"

    id: Mapped[int]
    card: Mapped[str]
    email: Mapped[str | None]
    website: Mapped[str]
    is_blocked: Mapped[bool | None]
    home_id: Mapped[str]
    deputy_id: Mapped[int | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Following(Library):
    """That one member follows another."""

    __tablename__ = "lending_member_follows"

    id: Mapped[int]
    from_member_id: Mapped[int]
    to_member_id: Mapped[int]


class Wish(Library):
    """That a member would like to read an item."""

    __tablename__ = "lending_wish"

    id: Mapped[int]
    member_id: Mapped[int]
    item_id: Mapped[UUID]
    weight: Mapped[float]
    remark: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Loan(Library):
    """A copy that a member has for a while; the member is known by the card."""

    __tablename__ = "lending_loan"

    id: Mapped[int]
    copy_id: Mapped[int]
    member_id: Mapped[str]
    branch_id: Mapped[str]
    renewed_from_id: Mapped[int | None]
    fetched_at: Mapped[time | None]


class Reading(Library):
    """That something was read in the house."""

    __tablename__ = "lending_reading"

    id: Mapped[int]
    item_id: Mapped[UUID]
    shelf_id: Mapped[int | None]
    at: Mapped[datetime]


class OrderItem(Library):
    """Something that was ordered; names from before Django."""

    __tablename__ = "Order Items"
    __columns__ = {"unit_price": "Unit Price", "ordered_by": "Ordered By", "percent": "Off, in parts of 100"}

    id: Mapped[int]
    select: Mapped[bool]
    unit_price: Mapped[Decimal | None]
    ordered_by: Mapped[int | None]
    percent: Mapped[int]


class LegacyAccount(Library):
    """A row of a table that another program makes."""

    __tablename__ = "legacy_accounts"
    __columns__ = {"owner": "Owner"}

    number: Mapped[int]
    owner: Mapped[str]
    member_id: Mapped[int | None]


class Entry(Library):
    """One thing that was done to another, in another schema."""

    __tablename__ = "entries"
    __schema__ = "audit"

    id: Mapped[int]
    actor_id: Mapped[int]
    cause_id: Mapped[int | None]
    content_type_id: Mapped[int | None]
    object_id: Mapped[str]
    verb: Mapped[str]
    at: Mapped[datetime]


class EntrySeen(Library):
    """That a member has seen an entry."""

    __tablename__ = "entries_seen_by"
    __schema__ = "audit"

    id: Mapped[int]
    entry_id: Mapped[int]
    member_id: Mapped[int]
