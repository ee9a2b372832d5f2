"""Which rows an endpoint is about, and how its lists are divided, narrowed and ordered."""

from typing import Any

from pydantic import Field

from strangler.adoption.django_settings import Facts


class FilterParameter(Facts):
    """A query parameter of a FilterSet.

    `method` names the project's function that filters, if one does; `declared` says that the project wrote the filter,
    and that it is another one than django-filter makes of the column. `items` is the filter by whose form each of
    several values with commas is read, or one that is compared by a lookup of `lookups`. `to_field` is the column by
    which it names rows, where that isn't their key. `formats` are those of days and times, where they aren't Django's,
    `suffixes` the ends of its parameters' names, where it has several, and `orders` what each word orders by.
    `settings` are those by which it takes other texts, or finds other rows, such as `required`, `min_value` or a
    widget's class.
    """

    name: str
    kind: str
    field: str | None = None
    lookup: str = "exact"
    method: str | None = None
    exclude: bool = False
    declared: bool = False
    items: str | None = None
    to_field: str | None = None
    choices: tuple[Any, ...] | None = None
    formats: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    orders: dict[str, str] = Field(default={})
    settings: tuple[str, ...] = ()


class Filterset(Facts):
    """A FilterSet of django-filter; `overridden` are the methods that the project wrote.

    With `lenient` what a parameter can't read is ignored.
    """

    overridden: tuple[str, ...] = ()
    lenient: bool = False

    parameters: tuple[FilterParameter, ...] = ()


class Filters(Facts):
    """How a list is narrowed and ordered."""

    backends: tuple[str, ...] = ()
    search: dict[str, Any] | None = None
    ordering: dict[str, Any] | None = None
    filterset: Filterset | None = None


class PaginationFacts(Facts):
    """How a list is divided; `kind` is page, limit_offset, cursor or custom."""

    kind: str
    overridden: tuple[str, ...] = ()
    page_size: int | None = None
    max_page_size: int | None = None
    page_query_param: str | None = None
    page_size_query_param: str | None = None
    last_page_strings: tuple[str, ...] = ()
    default_limit: int | None = None
    max_limit: int | None = None
    limit_query_param: str | None = None
    offset_query_param: str | None = None
    cursor_query_param: str | None = None
    offset_cutoff: int | None = 1000
    invalid_page_message: str = "Invalid page."
    invalid_cursor_message: str = "Invalid cursor"
    ordering: str | tuple[str, ...] | None = None


class QuerysetFacts(Facts):
    """The rows that a view begins with: all of its model unless `narrowed` names what leaves some out or adds to them.

    `where` are the conditions that they all meet, each a list: `and`, `or` or `not` with conditions, or `is` with a
    field, a lookup and a constant. `annotations` are whole numbers that rows have besides their columns, by name, each
    a list: `count` with the table and the foreign key of rows, `column` with a path, `value`, `+`, `-`, `*`,
    `coalesce`, or `case` with pairs of a condition and an expression, and the expression otherwise; or `matches` with
    rows of another table (MatchedRows), of which there are some, or where that is denied none. `ordering_unread`: it is
    ordered by expressions, which `ordering` lacks.
    """

    narrowed: tuple[str, ...] = ()
    where: tuple[list[Any], ...] = ()
    annotations: dict[str, list[Any]] = Field(default={})
    ordering: tuple[str, ...] = ()
    ordering_unread: bool = False


class FilteredColumn(Facts):
    """A column that a query parameter narrows by: its `path` in Django's words, behind foreign keys.

    The first step of the path may be a `link` to several rows: its kind (many_to_many, other_end, pointing), and the
    table and the field at its other end. `part` is what of a moment is compared (date, year, month, day), `value` the
    constant that the column is compared with, in a list, if it is one.
    """

    path: str
    link: dict[str, str] | None = None
    part: str | None = None
    lookup: str = "exact"
    value: tuple[Any, ...] = ()


class RequestFilter(Facts):
    """A query parameter that narrows rows to those of which one of the `columns` meets its condition.

    `form` is how its text is read: text, integer, float, number, boolean, identifier or day (by `format`); or what it
    has to be for columns to be compared with constants: given, flag (a number but 0) or words (in any case where they
    `ignore_case`).
    """

    form: str
    columns: tuple[FilteredColumn, ...]
    format: str | None = None
    words: tuple[str, ...] = ()
    ignore_case: bool = False


class ModelName(Facts):
    """A model and its table.

    `writes` is code of the project's own that Django calls as it writes a row of a proxy, and doesn't of the table's
    model, or the reverse.
    """

    label: str
    table: str
    writes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.label.rpartition(".")[2]


class ParentFacts(Facts):
    """A row that is looked for first: `within` are its fields by the parameter of the path in them.

    Where there is none, Django `fails` with 500, or answers `detail` in place of its own words, to its own exception
    where `http404` is set and else to DRF's. The rest is as of the rows of an endpoint.
    """

    model: ModelName
    queryset: QuerysetFacts
    within: dict[str, str]
    owner: str | None = None
    fails: bool = False
    detail: str | None = None
    http404: bool = True
    elsewhere: tuple[str, ...] = ()


class CreationFacts(Facts):
    """What `perform_create` does besides saving a row that has the caller in a field.

    `parents` are looked for once the body is validated, or before it is read where that `precedes_body`; `fields` of
    the new row lead to one of them, by its number.
    """

    parents: tuple[ParentFacts, ...]
    precedes_body: bool = False
    fields: dict[str, int] = Field(default={})


class SavingFacts(Facts):
    """What columns of a row get from the code that saves it, besides what a body says.

    `given` is a list for each: the `caller`, the time (`now`), a `value`, or the `parent` of a number. `parents` are
    looked for once the body is validated.
    """

    given: dict[str, list[Any]] = Field(default={})
    parents: tuple[ParentFacts, ...] = ()


class ValidatedRow(Facts):
    """What a serializer's `validate` asks of rows: one has to be there, or none that `refused` says of.

    It is so for a new row alone where it is `of_new`.
    """

    row: ParentFacts
    refused: str | dict[str, str] | None = None
    of_new: bool = False


class RowsOfRequest(Facts):
    """What `get_queryset` does with the request and nothing else.

    `owner` is the field in which rows have the caller, a path such as `order__customer` where it is another row's;
    callers whose attribute `unless` is true see all. `within` are fields by the parameter of the path in them,
    `filters` query parameters that narrow the rows further by columns, `parameters` those that do it in other ways,
    `parents` rows of other tables that have to be there.
    `backends` are filter backends and FilterSets of the project's own of which that was read, too.
    """

    owner: str | None = None
    unless: str | None = None
    within: dict[str, str] = Field(default={})
    parameters: tuple[str, ...] = ()
    filters: dict[str, RequestFilter] = Field(default={})
    parents: tuple[ParentFacts, ...] = ()
    backends: tuple[str, ...] = ()
