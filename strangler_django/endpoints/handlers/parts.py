"""What a handler is about: rows, serializers, and what is answered."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from strangler_django.endpoints.code.read_querysets import ReadQueryset
from strangler_django.endpoints.handlers.source import Body


@dataclass(eq=False)
class Row:
    """The row that a path names: of `rows`, the one whose `field` is equal to a `parameter`.

    Without `rows` it is that of the view's own `get_object`. `checks` says that the permissions are shown the row,
    `changes` which columns are given which constants. A column of one that is `stale` holds an expression still.
    """

    rows: ReadQueryset | None
    field: str
    parameter: str
    checks: bool = False
    changes: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    stale: bool = False
    raises: bool = False


@dataclass(eq=False)
class UsedSerializer:
    """A serializer that a handler makes: of a row, or of rows; `cls` is None where it is the view's own.

    Rows are the view's own (`of_view`), or `rows`; its filters narrow them where they are `filtered`, and it shows a
    page of them where it is `paged`. One may show what another has saved (`saved_by`). A row that it saves has the
    caller in `creator`, and in others what is `given`, or one of the `parents`.
    """

    cls: type[Any] | None
    row: Row | None = None
    rows: ReadQueryset | None = None
    has_data: bool = False
    many: bool = False
    of_view: bool = False
    filtered: bool = False
    paged: bool = False
    partial: bool = False
    has_context: bool = False
    is_validated: bool = False
    saved_by: "UsedSerializer | None" = None
    creator: str | None = None
    given: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    parents: dict[str, Row] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What comes of a request: an answer, or with `detail` DRF's own of what isn't there; `used` is what it shows.

    That is Django's Http404 where `http404` is set, else NotFound. It is `paged` as DRF's pages are, and names the
    address of a new row where it `has_headers`. With `noun` it is DRF's own of a link that isn't
    there.
    """

    status: int = 200
    body: Body | None = None
    used: UsedSerializer | None = None
    raises: bool = False
    detail: str | None = None
    http404: bool = True
    paged: bool = False
    has_headers: bool = False
    noun: str | None = None


class RowMissingError(Exception):
    """There is no such row of a model; nothing has caught it yet."""


class AnsweredError(Exception):
    """What is answered, by an exception that DRF makes an answer of."""


@dataclass(frozen=True)
class Saved:
    """The row that a serializer has saved."""

    used: UsedSerializer
