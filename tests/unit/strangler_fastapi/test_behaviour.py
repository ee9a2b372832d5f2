"""The page of DRF's behaviour has a row for every class that the installed DRF has, and names tests that are there."""

import inspect
import re
from importlib import import_module

import django_filters.filters
import pytest
from rest_framework import settings as drf
from rest_framework_simplejwt.settings import DEFAULTS

from tests.example import ROOT

PAGE = (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8")
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
}
MODULES = (
    *("rest_framework.authentication", "rest_framework.permissions", "rest_framework.pagination"),
    *("rest_framework.parsers", "rest_framework.filters", "rest_framework.fields", "rest_framework.relations"),
    *("rest_framework.validators", "rest_framework.serializers", "rest_framework_simplejwt.authentication"),
    *("rest_framework.throttling", "rest_framework.versioning", "rest_framework.authtoken.views"),
    *("rest_framework.renderers", "rest_framework.negotiation"),
)
OTHERS = ("simplejwt's setting", "django_filters", "rest_framework.settings")
# How DRF is built inside, and no part of what an API is made of.
INNER = {
    *("BasePermissionMetaclass", "OperandHolder", "OperationHolderMixin", "SingleOperandHolder", "Cursor", "PageLink"),
    *("BuiltinSignatureError", "SkipField", "empty", "_UnvalidatedField", "Hyperlink", "ObjectTypeError"),
    *("ObjectValueError", "PKOnlyObject", "SerializerMetaclass"),
}


def table_of(heading: str) -> dict[str, tuple[str, str]]:
    """The rows of a table: name → what is said of it, and its test."""
    text = PAGE.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {name: (said, test) for name, said, test in rows}


def offered() -> dict[str, set[str]]:
    """What the installed versions have, by the heading of its table."""
    found = {"simplejwt's setting": set(DEFAULTS), "django_filters": set(django_filters.filters.__all__)}
    found["rest_framework.settings"] = set(drf.DEFAULTS)
    for name in MODULES:
        classes = inspect.getmembers(import_module(name), inspect.isclass)
        found[name] = {kind for kind, made in classes if made.__module__ == name} - INNER
    # The older name of a class.
    found["rest_framework_simplejwt.authentication"].add("JWTTokenUserAuthentication")
    return found


@pytest.mark.parametrize("heading", [*MODULES, *OTHERS])
def test_every_class_and_setting_has_a_row(heading: str) -> None:
    assert sorted(table_of(heading)) == sorted(offered()[heading])


@pytest.mark.parametrize(
    "heading",
    [*MODULES, *OTHERS, "dj_rest_auth.jwt_auth", "languages", "conditional requests", "middleware", "side effects"],
)
def test_every_row_says_what_it_is_and_names_a_test_that_is_there(heading: str) -> None:
    for name, (said, test) in table_of(heading).items():
        assert re.match(r"(equal|differs: |not offered)", said), name
        if said.startswith("not offered"):
            assert not test, name
        else:
            assert test in TESTS, f"{name}: {test}"
