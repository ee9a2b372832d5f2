"""What a handler makes of a row's own columns: a flag that is toggled, a number that is counted up or down."""

# ruff: noqa: ARG002 - a handler gets what DRF gives it

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import F
from django.shortcuts import get_object_or_404
from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.views import APIView

from strangler_django.endpoints.path_views import view_methods
from strangler_django.endpoints.views import view_facts
from tests.installed_app import installed_app
from tests.kitchen.models import Order


@pytest.fixture(autouse=True)
def kitchen() -> Iterator[None]:
    with installed_app("tests.kitchen"):
        yield


class Base(APIView):
    permission_classes = (permissions.IsAuthenticated,)


def changes_of(view: Any) -> Any:
    made = view.as_view()
    found = view_facts(made, "post", view_methods(made)["post"], {"pk": 1}).get("handler")
    return found and found["changes"]


class Counted(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.views -= 2
        order.is_paid = not order.is_paid
        order.save()
        return Response()


def test_numbers_and_flags_are_made_of_what_they_are() -> None:
    assert changes_of(Counted) == {"views": ["add", -2], "is_paid": ["toggle"]}


class Twice(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.views += 1
        order.views += 1
        order.save()
        return Response()


class After(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.is_paid = True
        order.is_paid = not order.is_paid
        order.save()
        return Response()


class OfAnother(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.views = order.pk + 1
        order.save()
        return Response()


class OfAnotherColumn(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.views = F("id") + 1
        order.save()
        return Response()


class Times(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.views *= 2
        order.save()
        return Response()


class Sent(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.views += request.data["views"]
        order.save()
        return Response()


class Unless(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.is_paid = not order.done_at
        order.save()
        return Response()


class Unsaved(Base):
    def post(self, request: Any, pk: int) -> Response:
        order = get_object_or_404(Order, pk=pk)
        order.views += 1
        return Response()


@pytest.mark.parametrize("view", [Twice, After, OfAnother, OfAnotherColumn, Times, Sent, Unless, Unsaved])
def test_what_is_made_of_anything_else_is_no_fact(view: Any) -> None:
    assert changes_of(view) is None
