"""How filters of a FilterSet read their texts, as code of `strangler_fastapi.drf.filters.filter_forms`."""

from collections.abc import Mapping
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.list_facts import FilterParameter
from strangler.adoption.scaffold.code import Code, Items, call, quoted
from strangler.adoption.scaffold.lists.written_list import WrittenList
from strangler.adoption.scaffold.tables import UnreadableError

_FILTER_FORMS: Final = "strangler_fastapi.drf.filters.filter_forms"
# The form in which each of django-filter's filters reads its text.
_FORMS: Final[Mapping[str, str]] = {
    "CharFilter": "TEXT",
    "DateFilter": "DATE",
    "DateTimeFilter": "DATETIME_BY_FORMAT",
    "DurationFilter": "DURATION",
    "Filter": "SENT_TEXT",
    "IsoDateTimeFilter": "DATETIME",
    "NumberFilter": "NUMBER",
    "TimeFilter": "TIME",
    "UUIDFilter": "IDENTIFIER",
}
# Those of the ends of a range.
_RANGES: Final[Mapping[str, str]] = {
    "DateFromToRangeFilter": "DATE",
    "DateTimeFromToRangeFilter": "DATETIME_BY_FORMAT",
    "IsoDateTimeFromToRangeFilter": "DATETIME",
    "NumericRangeFilter": "ANY_NUMBER",
    "RangeFilter": "ANY_NUMBER",
    "TimeRangeFilter": "TIME",
}
# The functions that make forms of days and times; those without a zone have none.
_MADE: Final[Mapping[str, str]] = {
    "DATE": "date_form",
    "DATETIME": "datetime_form",
    "DATETIME_BY_FORMAT": "datetime_form",
    "TIME": "time_form",
}
_CHOICES: Final = ("ChoiceFilter", "TypedChoiceFilter")


class FilterForms:
    """Writes the forms of a list's filters; `zone` is that of times without an offset, `no zone` without USE_TZ."""

    def __init__(self, made: WrittenList, zone: str) -> None:
        self._made = made
        self._zone = zone

    def form(self, parameter: FilterParameter, facts: ColumnFacts) -> Code | None:
        """The form of a value, or of each of several; None where strangler_fastapi has no such form."""
        kind = parameter.items or parameter.kind
        if kind in _CHOICES:
            return self._choice(parameter) if parameter.choices else None
        name = _FORMS.get(kind)
        return None if name is None else self._named(name, parameter, facts)

    def range_form(self, parameter: FilterParameter, facts: ColumnFacts) -> Code | None:
        """The form of either end of a range; None where the filter has no ends."""
        name = _RANGES.get(parameter.kind)
        return None if name is None else self._named(name, parameter, facts)

    def looked_up(self, parameter: FilterParameter, facts: ColumnFacts) -> Code | None:
        """The form of a value that is compared by a lookup which a request chooses."""
        name = _FORMS.get(parameter.items or "")
        return None if name is None else self._named("ANY_NUMBER" if name == "NUMBER" else name, parameter, facts)

    def zone(self) -> Code | None:
        """The zone as an argument; None where it is UTC, as is usual.

        :raises UnreadableError: there is none.
        """
        if self._zone == "UTC":
            return None
        if self._zone == "no zone":
            raise UnreadableError("times of no zone")
        self._made.imports.setdefault("zoneinfo", set()).add("ZoneInfo")
        return call("ZoneInfo", quoted(self._zone))

    def text(self, name: str) -> str:
        """A form that has no settings, by its name."""
        self._made.imports.setdefault(_FILTER_FORMS, set()).add(name)
        return name

    def choices(self, parameter: FilterParameter) -> Items:
        """The values of a filter of choices."""
        return Items("()", tuple(quoted(value) for value in parameter.choices or ()))

    def _choice(self, parameter: FilterParameter) -> Code:
        return call(self.text("choice"), self.choices(parameter))

    def _named(self, name: str, parameter: FilterParameter, facts: ColumnFacts) -> Code:
        """A form, in the zone where a moment has one, and in the formats of the project."""
        is_moment = facts.kind == "DateTimeField" or name.startswith("DATETIME")
        zone = self.zone() if is_moment else None
        if is_moment and name not in _MADE and zone is not None:
            raise UnreadableError(f"times of {self._zone}")
        if name not in _MADE or (zone is None and not parameter.formats):
            return self.text(name)
        if name == "TIME":
            return call(self.text("time_form"), *map(quoted, parameter.formats))
        formats: list[str] = [*map(quoted, parameter.formats)]
        if name == "DATETIME_BY_FORMAT" and not formats:
            formats = [f"*{self.text('DATETIME_FORMATS')}"]
        return call(self.text(_MADE[name]), *formats, zone=zone)
