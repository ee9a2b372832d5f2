"""A JSONRenderer of a project's own is carried over where it puts answers into another form, and does no more."""

from typing import Any

import pytest
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from strangler_django.endpoints.own_renderers import renderer_facts
from tests.handlers.renderers import GAPS, EnvelopeRenderer, PagesRenderer, WrappedRenderer


def facts_of(*renderers: Any) -> Any:
    class View(APIView):
        renderer_classes = renderers

    return renderer_facts(View())


@pytest.mark.parametrize("renderer", GAPS, ids=lambda each: each.__name__)
def test_one_that_does_more_is_lacking_and_says_why(renderer: type) -> None:
    assert facts_of(renderer) == {f"{renderer.__module__}.{renderer.__name__}": {"gap": GAPS[renderer]}}


def test_one_that_is_carried_over_has_its_attributes() -> None:
    found = facts_of(JSONRenderer, EnvelopeRenderer, WrappedRenderer, PagesRenderer)
    assert [each.rpartition(".")[2] for each in found] == ["EnvelopeRenderer", "WrappedRenderer"]
    first, second = found.values()
    assert (first["name"], first["charset"], second["charset"]) == ("envelope_renderer_form", "utf-8", None)
    assert second["code"][-1].startswith("def wrapped_renderer_form(data: Any, renderer_context: Any) -> Any:")
