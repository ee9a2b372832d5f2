"""The row of a `get_object` that finds it by the caller is read where no other row has that caller."""

from typing import Any

import pytest
from django.db import models
from django.shortcuts import get_object_or_404
from rest_framework import generics

from strangler_django.endpoints.callers_row import callers_row
from tests.kitchen.models import Order, Profile

OWN = {"table": "k_profiles", "field": "user"}


class Shortcut(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        return get_object_or_404(Profile.objects.select_related("user"), user=self.request.user)


class Getting(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        profile = Profile.objects.get(user__id=self.request.user.id)
        return profile  # noqa: RET504 - so some write it


class Related(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        return self.request.user.profile  # type: ignore[union-attr] # a relation


class OfMany(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        return get_object_or_404(Order, user=self.request.user)


class OfAnother(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        return get_object_or_404(Profile, user=self.kwargs["pk"])


class Making(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        profile, _ = Profile.objects.get_or_create(user=self.request.user)
        return profile


class Narrowed(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        return get_object_or_404(Profile.objects.filter(bio=""), user=self.request.user)


class Column(generics.RetrieveAPIView[Any]):
    def get_object(self) -> Any:
        return self.request.user.username  # type: ignore[union-attr] # of anybody


@pytest.mark.parametrize("view", [Shortcut, Getting, Related])
def test_the_row_of_the_caller_is_read(view: type) -> None:
    assert callers_row(view, "get_object") == OWN


@pytest.mark.parametrize("view", [OfMany, OfAnother, Making, Narrowed, Column, generics.RetrieveAPIView])
def test_another_row_is_not(view: type) -> None:
    assert callers_row(view, "get_object") is None


def test_rows_that_a_manager_leaves_out_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Some(models.Manager[Any]):
        def get_queryset(self) -> Any:
            return super().get_queryset().filter(pk=1)

    some = Some()
    some.model = Profile
    monkeypatch.setattr(type(Profile), "_default_manager", some)
    assert callers_row(Shortcut, "get_object") is None
