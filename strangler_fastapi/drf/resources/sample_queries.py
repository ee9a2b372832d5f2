"""The statements that lists and bodies may lead to, each with values: what a feature states is made of these."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from shared_schema.consumer.samples import Sample, sample_of
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.criteria import Criteria
from strangler_fastapi.drf.fields.file_fields import FileField
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.relations import ManyRelatedField, PrimaryKeyRelatedField, SlugRelatedField
from strangler_fastapi.drf.filters.filtering import Filter, Params, ordering_terms
from strangler_fastapi.drf.pagination.cursors import cursor_rows
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.pagination.pagination import PAGE_SIZE
from strangler_fastapi.drf.parents import ParentRule
from strangler_fastapi.drf.rules import UniqueForDateValidator, UniqueTogetherValidator
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.validators import Unique

_SEARCH = "first second"


def list_rows(
    listing: Listing,
    criteria: Callable[[Params], Criteria],
    default: tuple[str, ...],
    *,
    filters: Mapping[str, Filter] | None = None,
    page_size: int | None = PAGE_SIZE,
) -> Iterator[Rows]:
    """A list with pages: every filter, the search, every order, page and cursor, each at least once.

    Not each with each, which would be thousands, and read no other columns.

    `criteria` are those that query parameters lead to, `default` the terms that hold where none are given. Without a
    `page_size` the list comes whole.
    """
    for params in _parameters(filters or {}):
        yield listing.rows(criteria(params), default, limit=page_size, counted=page_size is not None)
    plain = criteria({})
    if page_size is None:
        for ordering in ("", *listing.orderings):
            yield listing.rows(plain, ordering_terms({"ordering": ordering}, listing.orderings, default))
        return
    for ordering in ("", *listing.orderings):
        terms = ordering_terms({"ordering": ordering}, listing.orderings, default)
        marks = [sample_of(listing.type_of(term).python_type) for term in terms]
        yield listing.rows(plain, terms, limit=page_size, counted=True)
        yield cursor_rows(listing, plain, terms, page_size, marks=marks, backwards=not ordering)
    yield cursor_rows(listing, plain, default, page_size, marks=(), backwards=False)
    yield listing.rows(plain, default, limit=page_size, offset=page_size, counted=True)
    yield listing.count(plain)


def item_rows(
    listing: Listing, criteria: Callable[[Params], Criteria], *, filters: Mapping[str, Filter] | None = None
) -> Iterator[Rows]:
    """One item, for itself and for its key alone, whatever the filters and the search leave."""
    for params in _parameters(filters or {}):
        yield listing.keys(criteria(params))
    yield listing.rows(criteria({}))


def existing_rows(filters: Mapping[str, Filter]) -> Iterator[Rows]:
    """The rows that have to be there for filters."""
    for name, reader in filters.items():
        for params in reader.sampled(name):
            if (rows := reader.existing(name, params)) is not None:
                yield rows


def body_values(body: Serializer) -> dict[str, Any]:
    """What a body may hold, every key of it, by `source`."""
    written = {name: field for name, field in body.fields.items() if not field.read_only}
    values = {field.source or name: field.sample() for name, field in written.items()}
    for field in written.values():
        values |= field.columns(None) if isinstance(field, FileField) else {}
    return values


def body_samples(body: Serializer) -> Iterator[Sample]:
    """The queries that validate a body, of a new row and of one that is there."""
    for rule in body.rules:
        if isinstance(rule, UniqueTogetherValidator | UniqueForDateValidator | ParentRule):
            yield from rule.samples()
    for name, field in body.fields.items():
        if field.read_only:
            continue
        if isinstance(field, NestedField):
            for sample in body_samples(field.children):
                yield replace(sample, name=f"{name} {sample.name}")
        related = field.child if isinstance(field, ManyRelatedField) else field
        if isinstance(related, PrimaryKeyRelatedField):
            yield related.lookup(related.sample()).sample(f"related {name}")
        if isinstance(related, SlugRelatedField):
            slug = sample_of(getattr(related.link.target, related.slug_field).type.python_type)
            yield related.lookup(slug).sample(f"slug {name}")
        for check in field.validators:
            if isinstance(check, Unique):
                yield Sample(f"unique {name}", check.others(field.sample()))
                yield Sample(f"unique {name} but for one", check.others(field.sample(), check.key_sample()))


def as_sample(rows: Rows) -> Sample:
    """Rows under the name of their structure."""
    return rows.sample(_words(rows.key))


def _parameters(filters: Mapping[str, Filter]) -> Iterator[dict[str, str]]:
    yield {}
    for name, reader in filters.items():
        yield from reader.sampled(name)
    if "search" not in filters:
        yield {"search": _SEARCH}


def _words(key: object) -> str:
    """A structure as words; parts that don't apply are left out, as is what rows become: a class or a shape."""
    if isinstance(key, tuple):
        return " ".join(word for word in map(_words, key) if word)
    return str(key) if key and not callable(key) else ""
