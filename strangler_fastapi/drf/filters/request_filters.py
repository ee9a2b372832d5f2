"""What `get_queryset` of a project's own narrows rows by, where a request has a query parameter.

"genres": linked_filter(Play, lambda: many_to_many(Play, "genres"), column_filter(lambda: Genre.id, INTEGER, "in")),
"assigned_only": flag_filter(FLAG, lambda: has_rows(Tag, many_to_many_from(Tag, Recipe, "tags"))),
"date": column_filter(lambda: part_of(Flight.departure_time, "date"), day("%Y-%m-%d")),

What Django fails on with 500, such as a text that is no number, is refused with 400.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, Integer, Time, cast, extract, func, literal, or_

from shared_schema.mapping import Reflected
from strangler_fastapi.drf.criteria import Criterion
from strangler_fastapi.drf.filters.filter_forms import FormField
from strangler_fastapi.drf.filters.filtering import Filter
from strangler_fastapi.drf.links import ManyToMany, OneToMany


def flag_filter(form: FormField, condition: Callable[[], ColumnElement[bool]]) -> Filter:
    """The rows that meet a condition, where the text is one that `form` reads as true."""

    def read(name: str, text: str) -> Criterion | None:
        return Criterion(f"{name} given", condition) if form.read(text) else None

    return Filter(read, samples=(form.sample,), description="Narrows the rows.")


def linked_filter(model: type[Reflected], link: Callable[[], ManyToMany | OneToMany], inner: Filter) -> Filter:
    """The rows of `model` that have another one by `link` which the filter `inner` leaves."""

    def read(name: str, text: str) -> Criterion | None:
        found: Criterion | None = inner.read(name, text)
        # Its name says another condition than the inner one's does, which may be that of any filter ("everything").
        return found and replace(
            found, name=f"{name} linked {found.name}", clause=lambda: has_rows(model, link(), found.clause())
        )

    return replace(inner, read=read)


def any_filter(*filters: Filter) -> Filter:
    """The rows that one of the filters of the same text leaves."""

    def read(name: str, text: str) -> Criterion | None:
        read = (each.read(f"{name} {number}", text) for number, each in enumerate(filters))
        found = [each for each in read if each is not None]
        values = {key: value for each in found for key, value in each.values.items()}
        names, scans = " or ".join(each.name for each in found), any(each.scans for each in found)
        return Criterion(names, lambda: or_(*(each.clause() for each in found)), values, scans=scans) if found else None

    return replace(filters[0], read=read)


def has_rows(
    model: type[Reflected], link: ManyToMany | OneToMany, condition: ColumnElement[bool] | None = None
) -> ColumnElement[bool]:
    """Whether a row of `model` has any by `link`, or any that meets a condition of the link's target.

    Raises:
        LookupError: the link leads to rows of the same table, which a condition couldn't tell apart.
    """
    if link.target is model:
        raise LookupError(
            f"has_rows can't tell a row of {model.__table_key__} from those of the same table that it is linked to:"
            " write the condition with an alias of the class."
        )
    rows = link.rows(model, link.target, literal(1)).order_by(None)
    return (rows if condition is None else rows.where(condition)).exists()


def part_of(column: Any, part: str, zone: str = "UTC") -> ColumnElement[Any]:  # noqa: ANN401 - an expression
    """A part of a column (Django's `__date`), one of PARTS; of a moment in a time zone.

    Raises:
        LookupError: there is no such part.
    """
    if part not in PARTS:
        raise LookupError(f"{part} is no part of a moment: name one of {', '.join(PARTS)}.")
    is_moment = bool(getattr(column.type, "timezone", False))
    local = func.timezone(zone, column) if is_moment else column
    return PARTS[part](local)


def _field(name: str, later: int = 0) -> Callable[[Any], ColumnElement[Any]]:
    """A whole number of a moment by PostgreSQL's name; Django counts some from a `later` one on."""
    return lambda local: cast(func.floor(extract(name, local)), Integer) + later


PARTS: Final[Mapping[str, Callable[[Any], ColumnElement[Any]]]] = {
    "date": lambda local: cast(local, Date),
    "time": lambda local: cast(local, Time),
    "year": lambda local: extract("year", local),
    "month": lambda local: extract("month", local),
    "day": lambda local: extract("day", local),
    "iso_year": _field("isoyear"),
    "quarter": _field("quarter"),
    "week": _field("week"),
    "week_day": _field("dow", 1),
    "iso_week_day": _field("isodow"),
    "hour": _field("hour"),
    "minute": _field("minute"),
    "second": _field("second"),
}
