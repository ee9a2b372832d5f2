"""Errors in a project's own form: its EXCEPTION_HANDLER as `strangler scaffold` writes it, beside Django's."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as djangos
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.views import APIView

from strangler_fastapi.auth.tokens import Tokens
from tests.databases import empty_database, migrated_database
from tests.generated_rows.tables import FILL, MAPPING, MODELS, ROWS
from tests.handlers.renderers import EnvelopeRenderer, WrappedRenderer
from tests.installed_app import installed_app
from tests.integration.strangler_fastapi.drf import test_parents
from tests.integration.strangler_fastapi.drf.test_handlers import DJANGOS, REFUSED, REQUESTS
from tests.reviews import models as reviews
from tests.scaffolds import Scaffolded, both_sides, scaffolded
from tests.shared_stack import StackAddresses


@pytest.fixture(params=["wrapped", "chosen"])
def worded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    own = {"EXCEPTION_HANDLER": f"tests.handlers.errors.{request.param}"}
    settings = DJANGOS | {"REST_FRAMEWORK": DJANGOS["REST_FRAMEWORK"] | own}
    with scaffolded(tmp_path_factory.mktemp(request.param), MAPPING.contract, settings) as found:
        yield found


def test_errors_are_worded_as_by_the_projects_own_handler(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, worded: Scaffolded
) -> None:
    name = worded.settings["REST_FRAMEWORK"]["EXCEPTION_HANDLER"].rpartition(".")[2]
    handler = getattr(worded.module("errors"), name)
    with django_db_blocker.unblock(), ExitStack() as opened:
        databases = [
            opened.enter_context(empty_database(admin_dsn=stack.admin_dsn, name=f"{side}_{worker_id}"))
            for side in ("worded_library", "worded_django")
        ]
        sides = opened.enter_context(
            both_sides(worded, databases, MODELS, fill=FILL, rows=ROWS, exception_handler=handler)
        )
        for method, path, body in [*REQUESTS, *REFUSED]:
            sides.ask(method, path, body)


@pytest.fixture(params=[EnvelopeRenderer, WrappedRenderer])
def enveloped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scaffolded]:
    # As DEFAULT_RENDERER_CLASSES has it for views that are made later.
    monkeypatch.setattr(APIView, "renderer_classes", (request.param, BrowsableAPIRenderer))
    with scaffolded(tmp_path_factory.mktemp(request.param.__name__), MAPPING.contract, DJANGOS) as found:
        yield found


def test_answers_are_in_the_form_of_the_projects_own_renderer(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, enveloped: Scaffolded
) -> None:
    lacking = [re.compile(re.sub(r"{\w+}", r"[^/]+", name)) for name, gaps in enveloped.gaps.items() if gaps]
    with django_db_blocker.unblock(), ExitStack() as opened:
        databases = [
            opened.enter_context(empty_database(admin_dsn=stack.admin_dsn, name=f"{side}_{worker_id}"))
            for side in ("enveloped_library", "enveloped_django")
        ]
        sides = opened.enter_context(both_sides(enveloped, databases, MODELS, fill=FILL, rows=ROWS))
        for method, path, body in [*REQUESTS, *REFUSED]:
            if not any(each.fullmatch(f"{method} {path}") for each in lacking):
                sides.ask(method, path, body)
        sides.ask("GET", "/makers/", None, {"Accept": "application/json; indent=2"})
        assert sides.ask("GET", "/makers/", None).text.startswith(('{"status":"success"', '{"result":'))
    gaps = enveloped.gaps["DELETE /makers/{pk}/"]
    assert [each.partition(" writes ")[2] for each in gaps] == ["what there is of an empty answer"]


def test_what_a_row_belongs_to_is_missing_as_the_projects_code_says(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, tmp_path: Path
) -> None:
    """By Django's exception or by DRF's, which the handler tells apart."""
    own = djangos.REST_FRAMEWORK | {"EXCEPTION_HANDLER": "tests.handlers.errors.wrapped"}
    settings = test_parents.DJANGOS | {"REST_FRAMEWORK": own}
    with (
        installed_app("tests.reviews"),
        scaffolded(tmp_path, reviews.CONTRACT, settings) as found,
        ExitStack() as opened,
    ):
        opened.enter_context(django_db_blocker.unblock())
        databases = [
            opened.enter_context(migrated_database(admin_dsn=stack.admin_dsn, name=f"{side}_{worker_id}"))
            for side in ("missing_library", "missing_django")
        ]
        assert reviews.CONTRACT.token_settings is not None
        options = {
            "state": {"tokens": Tokens(djangos.SIMPLE_JWT["SIGNING_KEY"], reviews.CONTRACT.token_settings)},
            "authenticators": found.module("accounts").AUTHENTICATORS,
            "exception_handler": found.module("errors").wrapped,
        }
        made = both_sides(found, databases, reviews.MODELS, fill=reviews.FILL, rows=reviews.ROWS, **options)
        sides = opened.enter_context(made)
        answers = [test_parents.ask(sides, "kim", "GET", path).json() for path in test_parents.LISTS]
    assert {each["kind"] for each in answers if "kind" in each} == {"Http404", "NotFound"}
