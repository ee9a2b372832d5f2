"""The parameters of a FilterSet of django-filter: what each reads, and by what it narrows rows."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.formats import get_format

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.conditions import is_narrowed
from strangler_django.endpoints.code.own_models import own_manager
from strangler_django.endpoints.constants.rows import rows_state
from strangler_django.python_source import class_name

# What a project overrides in its FilterSets.
_FILTERING: Final = ("__init__", "filter_queryset", "form", "get_form_class", "is_valid", "qs")
# Where the classes of a filter's form are, unless they are a project's own.
_FORMS: Final = ("django.", "django_filters.", "builtins")
_LIBRARY: Final = "django_filters."
_CSV: Final = "django_filters.filters.BaseCSVFilter"
_LOOKUP_CHOICE: Final = "django_filters.filters.LookupChoiceFilter"
# Values by which no filter narrows (`django_filters.constants`).
_EMPTY: Final = ([], (), {}, "", None, slice(None, None, None))
# What a class may say of its own without a filter's doing anything else; its arguments are those of an instance.
_SAID: Final = frozenset(
    {
        *("__annotations__", "__doc__", "__firstlineno__", "__init__", "__module__", "__qualname__", "__slotnames__"),
        *("__static_attributes__", "field_class"),
    }
)
# Settings of a filter's form field that people see, or that are facts of their own, and those that say nothing.
_SHOWN: Final = frozenset(
    {"label", "help_text", "widget", "initial", "empty_label", "null_value", "choices", "queryset", "to_field_name"}
    | {"input_formats"}
)
_UNSET: Final = {"required": False, "null_label": None}
_OWN_CODE: Final = "code of your own"
_OWN_FIELD: Final = "a form field of your own"
# The settings with the formats of forms, and the forms that have ISO 8601 alone.
_DAYS: Final = ("DATE_INPUT_FORMATS",)
_FORMATTED: Final[Mapping[str, tuple[str, ...]]] = {
    "DateField": _DAYS,
    "DateRangeField": _DAYS,
    "DateTimeField": ("DATETIME_INPUT_FORMATS", *_DAYS),
    "DateTimeRangeField": ("DATETIME_INPUT_FORMATS", *_DAYS),
    "TimeField": ("TIME_INPUT_FORMATS",),
    "TimeRangeField": ("TIME_INPUT_FORMATS",),
}
_ISO: Final = frozenset({"IsoDateTimeField", "IsoDateTimeRangeField"})
# The filter whose form reads a value as a field does.
_READ_BY: Final[Mapping[type[forms.Field], str]] = {
    forms.CharField: "CharFilter",
    forms.DateField: "DateFilter",
    forms.DateTimeField: "DateTimeFilter",
    forms.DecimalField: "NumberFilter",
    forms.DurationField: "DurationFilter",
    forms.TimeField: "TimeFilter",
    forms.UUIDField: "UUIDFilter",
}


def filterset_facts(filterset: Any) -> dict[str, Any]:  # noqa: ANN401 - a FilterSet
    """Its parameters, and the methods that the project wrote."""
    return {
        "class": class_name(filterset),
        "parameters": list(parameters_of(filterset)),
        "overridden": overridden_of(filterset),
    }


def own_of_filterset(filterset: Any) -> list[str]:  # noqa: ANN401 - as above
    """Code of the project's own that may leave rows out, whatever a request says."""
    methods = overridden_of(filterset)
    found = [f"FilterSet: {', '.join(methods)}"] if methods else []
    for name, each in filterset.base_filters.items():
        if any(
            map(_is_own, (getattr(_widget_class(each), part, None) for part in ("suffixed", "value_from_datadict")))
        ):
            found.append(f"filter {name} reads its parameters by {_widget_class(each).__name__}")
        elif _narrows_unasked(each, filterset._meta.model):  # noqa: SLF001 - so both document it
            found.append(f"filter {name} may narrow rows where nothing is sent")
    return found


def _narrows_unasked(declared: Any, model: Any) -> bool:  # noqa: ANN401 - a filter, and the model of its set
    """Whether a filter leaves rows out, or may, where a request has none of its parameters."""
    own = _own_parts(declared)
    if not own and "widget" not in declared.extra:
        return False
    try:
        value = declared.field.widget.value_from_datadict(QueryDict(""), MultiValueDict(), "name")
        value = declared.field.clean(value)
        rows = QuerySet(model)
        return value not in _EMPTY or (_OWN_CODE in own and declared.filter(rows, value) is not rows)
    except forms.ValidationError:
        return _OWN_CODE in own
    except Exception:  # noqa: BLE001 - whatever the project's own code raises without a real request
        return True


def overridden_of(filterset: Any) -> list[str]:  # noqa: ANN401 - as above
    """The methods of a FilterSet that the project wrote."""
    return [name for name in _FILTERING if _is_own(getattr(filterset, name, None))]


def parameters_of(filterset: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - as above
    """Its filters, by parameter."""
    for name, each in filterset.base_filters.items():
        choices = each.extra.get("choices")
        yield {
            "name": name,
            "kind": _kind(each).__name__,
            "field": each.field_name,
            "lookup": each.lookup_expr,
            "exclude": each.exclude,
            "items": _items(each),
            "formats": list(_formats(each)),
            "suffixes": list(_suffixes(each)),
            "lookups": _lookups(each),
            "orders": dict(_orders(each)),
            "to_field": each.extra.get("to_field_name"),
            "declared": not _takes_all_rows(filterset, name, each),
            "method": str(each.method)
            if each.method and not callable(each.method)
            else ("callable" if each.method else None),
            "choices": [plain(value) for value, _label in choices] if isinstance(choices, list | tuple) else None,
            "settings": sorted(_settings(each, filterset._meta.model)),  # noqa: SLF001 - so both document it
        }


def _kind(declared: Any) -> type:  # noqa: ANN401 - a filter
    """The class of django-filter's that a filter is of, if a class of the project's own does no more than say so.

    Of what it makes for several values of a column that is BaseInFilter or BaseRangeFilter, whatever it is called.
    """
    kind = type(declared)
    return kind if _OWN_CODE in _own_parts(declared) else _of_library(kind)


def _of_library(kind: type) -> Any:  # noqa: ANN401 - a class of django-filter's
    return next(each for each in kind.__mro__ if not _is_projects(each) and "<locals>" not in each.__qualname__)


def _is_a(declared: Any, name: str) -> bool:  # noqa: ANN401 - as above
    return any(class_name(each) == name for each in type(declared).__mro__)


def _is_projects(kind: type) -> bool:
    """Whether a class is none of a library's; those of several values django-filter makes in a function."""
    return not kind.__module__.startswith(_FORMS)


def _items(declared: Any) -> str | None:  # noqa: ANN401 - as above
    """The filter of django-filter's whose form reads each of several values, or that which is compared by a lookup."""
    kind = type(declared)
    if _is_a(declared, _LOOKUP_CHOICE):
        return _READ_BY.get(declared.field_class)
    if not _is_a(declared, _CSV):
        return None
    return next((each.__name__ for each in kind.__mro__ if "field_class" in vars(each) and not _is_own(each)), None)


def _lookups(declared: Any) -> list[str]:  # noqa: ANN401 - as above
    """The lookups that a request may choose from."""
    return [str(name) for name, _ in declared.get_lookup_choices()] if _is_a(declared, _LOOKUP_CHOICE) else []


def _orders(declared: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - as above
    """What each word of a request orders by, where a filter is of orders."""
    return iter(getattr(declared, "param_map", {}).items())


def _formats(declared: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """The formats of days and times that the project gave the form, or of its language where that isn't English."""
    if given := declared.extra.get("input_formats"):
        yield from map(str, given)
        return
    kinds = {each.__name__ for each in declared.field_class.__mro__ if not _is_projects(each)}
    names = next((names for kind, names in _FORMATTED.items() if kind in kinds), ())
    own, english = ([*_formats_in(names, language)] for language in (settings.LANGUAGE_CODE, "en"))
    yield from () if own == english or kinds & _ISO else own


def _formats_in(names: tuple[str, ...], language: str) -> Iterator[str]:
    for name in names:
        yield from get_format(name, language, use_l10n=settings.USE_I18N or language == "en")


def _suffixes(declared: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """The ends of the names of its parameters, where it has several."""
    kind = declared.field_class
    if not (issubclass(kind, forms.MultiValueField) or _is_a(declared, _LOOKUP_CHOICE)):
        return
    widget = declared.field.widget
    if hasattr(widget, "suffixes"):
        yield from (f"_{each}" if each else "" for each in widget.suffixes)
    else:
        yield from getattr(widget, "widgets_names", ())


def _own_parts(declared: Any) -> list[str]:  # noqa: ANN401 - as above
    """What of a filter the project wrote: code, or the form field that reads a value."""
    kinds = [each for each in type(declared).__mro__ if _is_projects(each)]
    filtering, found = vars(declared).get("filter"), []
    is_method = type(filtering).__module__.startswith(_LIBRARY)
    if any(vars(each).keys() - _SAID for each in kinds) or not (filtering is None or is_method):
        found.append(_OWN_CODE)
    # Of several values it is made of that of one.
    if not all(each.__module__.startswith(_FORMS) for each in declared.field_class.__mro__):
        found.append(_OWN_FIELD)
    elif not (_is_a(declared, _CSV) or _is_a(declared, _LOOKUP_CHOICE)):
        found += [] if declared.field_class is _of_library(type(declared)).field_class else [_OWN_FIELD]
    return found


def _settings(declared: Any, model: Any) -> Iterator[str]:  # noqa: ANN401 - a filter, and the model of its set
    """The names of settings that change which texts are taken, or which rows are found."""
    yield from (name for name, value in declared.extra.items() if name not in _SHOWN and _UNSET.get(name, ...) != value)
    yield from _own_parts(declared)
    if "filters" in vars(declared) or ("choices" in vars(declared) and hasattr(declared, "filters")):
        yield "spans of your own"
    if getattr(declared, "conjoined", False):
        yield "conjoined"
    if hasattr(declared, "conjoined") and not declared.distinct:
        yield "rows as often as they are linked"
    if (widget := _own_widget(declared)) is not None:
        yield widget
    has_all_values = type(declared).__name__.startswith("AllValues") and model is not None
    if has_all_values and own_manager(model._default_manager):  # noqa: SLF001 - so Django documents it
        yield "a manager of your own"


def _own_widget(declared: Any) -> str | None:  # noqa: ANN401 - a filter
    """The class that reads what a request says otherwise than the filter's own widget does."""
    widget, kind = declared.extra.get("widget"), declared.field_class
    if issubclass(kind, forms.NullBooleanField):
        # That of django_filters.rest_framework is usual, and not what Django's form has without it.
        widget = widget or kind.widget
        cls = widget if isinstance(widget, type) else type(widget)
        return None if class_name(cls) == "django_filters.widgets.BooleanWidget" else cls.__name__
    if widget is None:
        return None
    cls, own = (
        each if isinstance(each, type) else type(each)
        for each in (widget, getattr(kind, "base_widget_class", kind.widget))
    )
    read = cls.value_from_datadict
    is_usual = read is own.value_from_datadict or read.__module__.startswith("django.forms.")
    return None if is_usual else cls.__name__


def _widget_class(declared: Any) -> type:  # noqa: ANN401 - as above
    widget = declared.extra.get("widget") or declared.field_class.widget
    return widget if isinstance(widget, type) else type(widget)


def _takes_all_rows(filterset: Any, name: str, declared: Any) -> bool:  # noqa: ANN401 - a FilterSet, and a filter
    """Whether a filter is what django-filter makes of a column, or of a relation: any row of its model may be sent.

    Of a many-to-many relation rows may be named by another column of theirs.
    """
    if name not in filterset.declared_filters:
        return not _chooses_rows(declared.extra.get("queryset"))
    queryset, named = declared.extra.get("queryset"), declared.extra.get("to_field_name")
    meta = filterset._meta.model._meta if filterset._meta.model else None  # noqa: SLF001 - so both document it
    relations = {each.name: each for each in (*meta.many_to_many, *(() if named else meta.fields))} if meta else {}
    field = str(declared.field_name).removesuffix(f"__{named}") if named else declared.field_name
    related = getattr(relations.get(field), "related_model", None)
    if not isinstance(queryset, QuerySet) or related is not queryset.model or (named and field == declared.field_name):
        return False
    return not is_narrowed(queryset.query) and rows_state(queryset, filterset, name) is None


def _chooses_rows(queryset: Any) -> bool:  # noqa: ANN401 - a queryset, or what gives one
    """Whether not any row of a model may be sent, or not at any time."""
    if not isinstance(queryset, QuerySet):
        return queryset is not None
    return is_narrowed(queryset.query) or own_manager(queryset.model._default_manager)  # noqa: SLF001 - so Django documents it


def _is_own(function: object) -> bool:
    module = str(getattr(getattr(function, "fget", function), "__module__", ""))
    return function is not None and not module.startswith(("django_filters.", "django.", "rest_framework."))
