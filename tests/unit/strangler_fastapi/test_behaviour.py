"""The page of DRF's behaviour has a row for every name that the installed versions have, and names real tests.

The names are read from the packages: a module, class, function or attribute that a later version adds has no row yet.
"""

import inspect
import re
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import django_filters.conf
import django_filters.filters
import django_filters.filterset
import pytest
import rest_framework
import rest_framework_simplejwt
from django.core.exceptions import ImproperlyConfigured
from rest_framework import fields, generics, mixins, pagination, request, views, viewsets
from rest_framework import settings as drf
from rest_framework_simplejwt.settings import DEFAULTS

from tests.example import ROOT

PAGE = (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8")
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
}
ELSEWHERE = "other modules"
# What a name stands for more than once, or how the packages are built inside, and no part of what an API is made of.
INNER = {
    *("BasePermissionMetaclass", "OperandHolder", "OperationHolderMixin", "SingleOperandHolder", "Cursor", "PageLink"),
    *("PAGE_BREAK", "BuiltinSignatureError", "SkipField", "empty", "_UnvalidatedField", "Hyperlink", "ObjectTypeError"),
    *("ObjectValueError", "PKOnlyObject", "SerializerMetaclass", "FilterSetMetaclass", "FilterMethod"),
    *("QuerySetRequestMixin", "DetailDictMixin", "MethodMapper", "Empty", "WrappedAttributeError", "AuthUser", "T"),
    *("is_simple_callable", "get_attribute", "to_choices_dict", "flatten_choices_dict", "iter_options"),
    *("get_error_detail", "search_smart_split", "get_encoding", "method_overridden", "zero_as_none"),
    *("is_form_media_type", "wrap_attributeerrors", "preserve_builtin_query_params", "escape_curly_brackets"),
    *("flatten", "as_serializer_error", "raise_errors_on_nested_writes", "qs_exists", "qs_exists_with_condition"),
    *("qs_filter", "remote_queryset", "ChoiceIterator", "ChoiceIteratorMixin", "ModelChoiceIterator"),
    "apply_suffix_patterns",
}
VIEW_CLASSES = (
    *(views.APIView, generics.GenericAPIView, viewsets.ViewSetMixin, mixins.CreateModelMixin, mixins.ListModelMixin),
    *(mixins.RetrieveModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin),
)
PAGE_CLASSES = (pagination.PageNumberPagination, pagination.LimitOffsetPagination, pagination.CursorPagination)


def attributes(*classes: type) -> set[str]:
    return {name for each in classes for name in vars(each) if not name.startswith("_")}


def arguments(made: type) -> set[str]:
    found = inspect.signature(made.__init__).parameters.values()  # type: ignore[misc] # of the class alone
    return {each.name for each in found if each.kind is not inspect.Parameter.VAR_KEYWORD} - {"self"}


# What isn't a module's name, by the heading of its table.
OTHERS: dict[str, set[str]] = {
    "simplejwt's setting": {*DEFAULTS},
    "django-filter's setting": {f"FILTERS_{name}" for name in django_filters.conf.DEFAULTS},
    "rest_framework.settings": {*drf.DEFAULTS},
    "attribute of a view": attributes(*VIEW_CLASSES),
    "attribute of a request": attributes(request.Request),
    "argument of every field": arguments(fields.Field),
    "attribute of a pagination": attributes(*PAGE_CLASSES),
    "argument of every filter": arguments(django_filters.filters.Filter),
    "Meta of a FilterSet": {*vars(django_filters.filterset.FilterSetOptions())},
}
PROSE = (
    *("dj_rest_auth.jwt_auth", "sessions", "languages", "conditional requests", "middleware", "side effects"),
    *("django-cors-headers", "django-oauth-toolkit", "django-rest-knox"),
)


@cache
def tables() -> dict[str, dict[str, tuple[str, str]]]:
    """The page's tables by heading: name → what is said of it, and its test."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for text in re.split(r"\n\n+", PAGE):
        lines = text.splitlines()
        if len(lines) < 2 or not re.fullmatch(r"\| [^|]+ \| \| test \|", lines[0]):
            continue
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
        heading = lines[0].split("|")[1].strip()
        # A row may stand for several names.
        names = [(name, said, test) for several, said, test in rows for name in several.split(", ")]
        found[heading] = {name: (said, test) for name, said, test in names}
        assert heading in PROSE or len(found[heading]) == len(names), f"a name of {heading} has two rows"
    return found


def modules() -> Iterator[ModuleType]:
    for package in (rest_framework, rest_framework_simplejwt, django_filters):
        for info in walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in info.name:
                continue
            try:
                yield import_module(info.name)
            except ImproperlyConfigured:
                # Of an app that the tests' project doesn't install.
                assert info.name == "rest_framework.authtoken.admin"


@cache
def offered() -> dict[str, set[str]]:
    """What the installed versions have, by the heading of its table."""
    found = dict(OTHERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules():
            own = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
            names = {name for name in own if not name.startswith("_")} - INNER
            if names and module.__name__ not in OTHERS:
                found[module.__name__] = names
    return found


def test_every_module_has_a_table_or_a_row() -> None:
    patterns = {*tables()[ELSEWHERE]}
    named = {name: [pattern for pattern in patterns if fnmatch(name, pattern)] for name in offered()}
    assert [name for name, rows in named.items() if bool(rows) is (name in tables())] == []
    assert patterns == {pattern for rows in named.values() for pattern in rows}, "a row that stands for nothing"


@pytest.mark.parametrize("heading", [*tables()])
def test_every_name_has_a_row(heading: str) -> None:
    if heading not in (*PROSE, ELSEWHERE):
        assert sorted(tables()[heading]) == sorted(offered()[heading])


@pytest.mark.parametrize("heading", [*tables()])
def test_every_row_says_what_it_is_and_names_a_test_that_is_there(heading: str) -> None:
    for name, (said, test) in tables()[heading].items():
        if heading not in ("sessions", "django-cors-headers"):
            assert re.match(r"(equal|differs: |not offered)", said), name
        if said.startswith("not offered"):
            assert not test, name
        else:
            assert test in TESTS, f"{name}: {test}"
