"""What a list may lead to, by the names of its statements; nothing is compiled here."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid, column, select
from sqlalchemy.orm import registry

from fastapi_app.consumer import CONSUMER_FILE
from shared_schema.consumer.consumer import load_consumer
from strangler_fastapi.db.query import Rows, Shape
from strangler_fastapi.drf.criteria import Criteria, equals
from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.collection_fields import ListField
from strangler_fastapi.drf.fields.fields import BooleanField, CharField, ReadOnlyField
from strangler_fastapi.drf.fields.number_fields import IntegerField
from strangler_fastapi.drf.filters.filtering import (
    Filter,
    Params,
    boolean_filter,
    filter_criteria,
    not_ported_filter,
    text_filter,
)
from strangler_fastapi.drf.filters.row_filters import related_filter
from strangler_fastapi.drf.filters.search import search_criteria
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.resources.sample_queries import as_sample, body_samples, body_values, item_rows, list_rows
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.validators import Unique
from strangler_fastapi.errors import NotPorted

TITLE, ID = column("title", Text), column("id", Integer)
SHAPE = Shape({"id": ID})
LISTING = Listing("books", "Book", lambda: ID, {"title": lambda: TITLE}, lambda: SHAPE, lambda _: select(ID))
FILTERS: dict[str, Filter] = {
    "new": boolean_filter(lambda: column("new")),
    "by": text_filter(lambda name: name == TITLE),
}


def criteria(filters: dict[str, Filter], params: Params) -> Criteria:
    own = equals("owner", lambda: column("owner"), 1)
    return (*filter_criteria(params, filters), *search_criteria(params, lambda: (TITLE,)), own)


def listed(filters: dict[str, Filter]) -> Iterator[Rows]:
    return list_rows(LISTING, lambda params: criteria(filters, params), ("-title", "-id"), filters=filters)


def words(rows: Iterator[Rows]) -> set[str]:
    return {" ".join(_flat(each.key)) for each in rows}


def _flat(key: object) -> Iterator[str]:
    if isinstance(key, tuple):
        for part in key:
            yield from _flat(part)
    elif key and not callable(key):
        yield str(key)


def test_what_is_not_ported_has_no_sample() -> None:
    filters = FILTERS | {"search": not_ported_filter("searching")}

    def narrowed(params: Params) -> Criteria:
        return filter_criteria(params, filters, is_sample=True)

    assert words(item_rows(LISTING, narrowed, filters=filters)) == {"books", "books key"} | {
        f"books {each}{key}" for each in ("new True", "new False", "by") for key in (" key",)
    }
    with pytest.raises(NotPorted):
        filter_criteria({"search": "word"}, filters)


def test_every_filter_order_search_page_and_cursor_is_there() -> None:
    assert words(listed(FILTERS)) == {
        "books owner by -title -id 20 counted",
        "books new True owner by -title -id 20 counted",
        "books new False owner by -title -id 20 counted",
        "books by owner by -title -id 20 counted",
        "books search0 search1 owner by -title -id 20 counted",
        "books owner by title id 20 counted",
        "books owner after by title id 21 marked",
        "books owner by -title -id 21 marked",
        "books owner by -title -id 20 skipping counted",
        "books owner count",
    }


def test_a_filter_with_the_name_of_an_order_has_a_statement_of_its_own() -> None:
    """`filterset_fields` and `ordering_fields` often name the same columns."""
    titled = {"title": text_filter(lambda name: name == TITLE)}
    rows = list_rows(LISTING, lambda params: filter_criteria(params, titled), ("id",), filters=titled)
    names = [" ".join(_flat(each.key)) for each in rows]
    assert {"books title by id 20 counted", "books by title id 20 counted"} <= {*names}


def test_a_new_filter_is_included_by_itself() -> None:
    more = FILTERS | {"about": text_filter(lambda name: name == TITLE)}
    assert words(listed(more)) - words(listed(FILTERS)) == {"books about owner by -title -id 20 counted"}


def test_a_search_that_is_not_ported_has_no_statement() -> None:
    lacking = FILTERS | {"search": not_ported_filter("?search=: its columns")}
    assert words(listed(FILTERS)) - words(listed(lacking)) == {"books search0 search1 owner by -title -id 20 counted"}


def test_an_item_is_found_whatever_the_filters_leave() -> None:
    found = words(item_rows(LISTING, lambda params: criteria(FILTERS, params), filters=FILTERS))
    assert {"books owner", "books owner key", "books by owner key", "books search0 search1 owner key"} <= found


def test_statements_of_another_shape_are_others_whatever_their_name() -> None:
    other = replace(LISTING, shape=lambda: Shape({"title": TITLE}))
    plain = criteria(FILTERS, {})
    assert words(iter([LISTING.rows(plain)])) == words(iter([other.rows(plain)])) == {"books owner"}
    assert LISTING.rows(plain).key != other.rows(plain).key
    assert LISTING.keys(plain).key != other.keys(plain).key
    assert LISTING.count(plain).key != other.count(plain).key


def test_parameters_have_values() -> None:
    values = {name: value for rows in listed(FILTERS) for name, value in rows.values.items()}
    assert values == {
        "by": "sample",
        "mark0": "sample",
        "mark1": 1,
        "offset": 20,
        "owner": 1,
        "search0": "%first%",
        "search1": "%second%",
    }


def test_a_body_has_a_value_for_each_key_and_asks_for_those_that_are_unique() -> None:
    class Book:
        pass

    key = Column("number", Uuid, primary_key=True)
    registry().map_imperatively(Book, Table("books", MetaData(), key, Column("title", Text)))
    # A row is named by a key of the table's type, or the service would not know its own statements.
    (sample,) = related_filter(lambda: key, Book).sampled("book")
    assert len(sample["book"]) == len(str(UUID(int=0)))
    fields = {
        "id": ReadOnlyField(type="integer"),
        "title": CharField(max_length=4, validators=(Unique(Book, "title", "There is one."),)),
        "new": BooleanField(),
        "words": ListField(child=CharField(min_length=8)),
        "pages": IntegerField(max_value=0),
        "state": ChoiceField(choices={"worn": "Worn", "new": "New"}),
    }
    book = Serializer("Book", fields)
    assert body_values(book) == {"title": "samp", "new": True, "words": ["sampless"], "pages": 0, "state": "worn"}
    asked = {sample.name: str(sample.statement) for sample in body_samples(book)}
    assert [*asked] == ["unique title", "unique title but for one"]
    assert "books.number != " in asked["unique title but for one"]


def test_a_sample_is_called_as_its_structure() -> None:
    sample = as_sample(Rows(("books", ("new", "by"), (), None, (0, False, "marked")), lambda: select(ID), {"by": "a"}))
    assert (sample.name, str(sample.statement), sample.values) == ("books new by marked", "SELECT id", {"by": "a"})


def test_the_examples_filters_are_in_the_file() -> None:
    from fastapi_app.posts.queries import FEED_FILTERS

    names = {
        word
        for statement in load_consumer(CONSUMER_FILE).features["feed"].statements
        for word in statement.name.split()
    }
    assert set(FEED_FILTERS) <= names
