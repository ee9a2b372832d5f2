"""A queryset of a view as its code was read: the rows without the request, and what of the request narrows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from strangler_django.endpoints.code.own_filters import ReadFilter


@dataclass(frozen=True)
class ReadQueryset:
    """A queryset without what depends on the request.

    `owner` is the field in which rows have the caller, a path such as `order__customer` where it is another row's;
    callers whose attribute `unless` is true see the rows of everybody. `within` are fields by the parameter of the
    path that they are equal to, `filters` the query parameters that narrow it further by columns, `parameters` those
    that do it in other ways. `parents` are rows of other tables that are looked for first. `backends` are the filter
    backends and FilterSets of the project's own that are part of it.
    """

    queryset: models.QuerySet[Any]
    owner: str | None = None
    unless: str | None = None
    within: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    filters: Mapping[str, ReadFilter] = field(default_factory=dict)
    is_distinct: bool = False
    is_none: bool = False
    parents: tuple["ReadParent", ...] = ()
    backends: tuple[str, ...] = ()

    @property
    def structure(self) -> tuple[Any, ...]:
        """All rows that callers see whatever they own."""
        return str(self.queryset.query), tuple(self.within.items()), tuple(self.filters.items()), self.sought

    @property
    def sought(self) -> tuple[Any, ...]:
        """What is looked for first."""
        return tuple(
            (each.rows.structure, each.rows.owner, each.fails, each.detail, each.http404) for each in self.parents
        )

    def finds_once(self, found: ReadFilter) -> bool:
        """Whether a filter leaves each row once, and what it is annotated with as it is.

        What is counted after a filter by linked rows are only those.
        """
        if self.queryset.query.annotations:
            return not any(each.link for each in found.columns)
        return self.is_distinct or not found.multiplies


@dataclass(frozen=True, eq=False)
class ReadParent:
    """A row that a path names by a column, `key`, of which no two are equal, and perhaps by others.

    `fails` says that Django answers 500 where there is none, `detail` what it answers in other words than its own, to
    Django's exception where `http404` is set and else to DRF's.
    """

    rows: ReadQueryset
    key: str
    fails: bool = False
    detail: str | None = None
    http404: bool = True

    @property
    def model(self) -> Any:  # noqa: ANN401 - a model class
        """The model of the row."""
        return self.rows.queryset.model


def column_field(model: Any, name: str) -> Any:  # noqa: ANN401 - as below
    """The field of that name whose value is a column of the model's rows; None where there is none."""
    return next((each for each in model._meta.concrete_fields if each.name == name), None)  # noqa: SLF001 - as below


def field_at(model: Any, path: str) -> Any:  # noqa: ANN401 - a model class, and a field of one
    """The field at the end of a path of foreign keys; None where it leads elsewhere, or to several rows."""
    found: Any = None
    for name in path.split("__"):
        if model is None:
            return None
        own = {each.name: each for each in model._meta.fields}  # noqa: SLF001 - how Django documents to read a model
        own |= {each.attname: each for each in own.values()} | {"pk": model._meta.pk}  # noqa: SLF001 - the same
        if name not in own:
            return None
        found, model = own[name], own[name].related_model
    return found


def is_key(model: Any, name: str) -> bool:  # noqa: ANN401 - a model class
    """Whether a field is the key of its model."""
    key = model._meta.pk  # noqa: SLF001 - how Django documents to read a model
    return name in ("pk", key.name, key.attname)


def is_unique(model: Any, name: str) -> bool:  # noqa: ANN401 - as above
    """Whether no two rows are equal in a column."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - as above
    return is_key(model, name) or any(each.unique and name in (each.name, each.attname) for each in fields)
