"""Code of models, managers and querysets by which rows are others than their columns say."""

from typing import Any

import pytest
from django.db import models
from django.db.models.signals import post_init, pre_save
from django.test.utils import isolate_apps
from rest_framework import pagination, serializers
from rest_framework.viewsets import ModelViewSet

from strangler_django.endpoints.code.own_models import (
    changed_rows,
    own_creation,
    own_manager,
    own_sign_in,
    own_users,
    proxy_writes,
)
from strangler_django.endpoints.fields.serializers import serializer_facts
from strangler_django.endpoints.lists.lists import pagination_facts


class Loud(models.QuerySet[Any]):
    def create(self, **values: Any) -> Any:
        return super().create(**values | {"name": "LOUD"})


class Quiet(models.Manager[Any]):
    def create(self, **values: Any) -> Any:
        return super().create(**values)

    def filter(self, *args: Any, **kwargs: Any) -> Any:
        return super().filter(*args, **kwargs).exclude(name="loud")


with isolate_apps("django_app.blog"):

    class Plain(models.Model):
        name = models.TextField()

        class Meta:
            app_label = "blog"

    class Cut(Plain):
        objects = Loud.as_manager()

        class Meta:
            app_label = "blog"
            proxy = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.name = self.name[:1]

    class Noted(Plain):
        objects = Quiet()

        class Meta:
            app_label = "blog"
            proxy = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._before = self.name

    class Deciphered(Plain):
        class Meta:
            app_label = "blog"
            proxy = True

        @classmethod
        def from_db(cls, db: Any, names: Any, values: Any) -> Any:
            found = super().from_db(db, names, values)
            setattr(found, "name", found.name[::-1])  # noqa: B010 - as projects write it
            return found


def test_rows_that_a_model_changes_as_they_are_read_are_named() -> None:
    found = {model.__name__: list(changed_rows(model)) for model in (Plain, Cut, Noted, Deciphered)}
    assert found == {"Plain": [], "Cut": ["Cut.__init__"], "Noted": [], "Deciphered": ["Deciphered.from_db"]}

    def shout(instance: Any, **_: Any) -> None:
        instance.name = instance.name.upper()

    post_init.connect(shout, sender=Plain)
    try:
        assert list(changed_rows(Plain)) == ["signal post_init"]
    finally:
        post_init.disconnect(shout, sender=Plain)


def _remember(instance: Any, **_: Any) -> None:
    instance._name_before = getattr(instance, "name", None)


def _hand_on(instance: Any, **_: Any) -> None:
    _remember(instance)


def _strip(instance: Any, **_: Any) -> None:
    instance._parts = instance.name_parts()


def _of_a_library(instance: Any, **_: Any) -> None:
    instance.name = "what it was"


_of_a_library.__module__ = "imagekit.specs.sourcegroups"


@pytest.mark.parametrize(
    ("receiver", "found"),
    [(_remember, []), (_of_a_library, []), (_hand_on, ["signal post_init"]), (_strip, ["signal post_init"])],
)
def test_a_receiver_that_only_remembers_what_a_row_was_changes_none(receiver: Any, found: list[str]) -> None:
    post_init.connect(receiver, sender=Plain)
    try:
        assert list(changed_rows(Plain)) == found
    finally:
        post_init.disconnect(receiver, sender=Plain)


class Joined(models.Manager[Any]):
    """All rows, in their own order: what is joined in advance leaves none out."""

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related()


class Sorted(models.Manager[Any]):
    def get_queryset(self) -> Any:
        return super().get_queryset().order_by("name")

    def get_by_natural_key(self, name: str) -> Any:
        return self.get(name__iexact=name)


with isolate_apps("django_app.blog"):

    class Member(Plain):
        objects = Joined()

        class Meta:
            app_label = "blog"
            proxy = True

    class Ranked(Plain):
        objects = Sorted()

        class Meta:
            app_label = "blog"
            proxy = True


def test_callers_that_a_manager_finds_otherwise_are_named() -> None:
    found = {model.__name__: (own_users(model), own_sign_in(model)) for model in (Plain, Member, Ranked, Cut)}
    assert found == {
        "Plain": (None, None),
        "Member": (None, None),
        "Ranked": ("Sorted.get_queryset", "Sorted.get_by_natural_key"),
        "Cut": ("Cut.__init__", None),
    }


class Saved(models.Model):
    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)


with isolate_apps("django_app.blog"):

    class Kept(Saved, Plain):
        class Meta:
            app_label = "blog"
            proxy = True


def test_what_django_calls_of_a_proxy_alone_is_named() -> None:
    def note(**_: Any) -> None:
        pass

    assert (proxy_writes(Plain), proxy_writes(Noted), proxy_writes(Kept)) == ([], [], ["save"])
    assert own_creation(Kept) == "save"
    # It isn't called of the proxy.
    pre_save.connect(note, sender=Plain)
    try:
        (found,) = proxy_writes(Noted)
        assert found.startswith("pre_save ")
    finally:
        pre_save.disconnect(note, sender=Plain)


def test_new_rows_that_a_manager_or_a_model_makes_are_named() -> None:
    assert own_creation(Plain) is None
    assert own_creation(Cut) == "ManagerFromLoud.create"
    # It passes on what it gets.
    assert own_creation(Noted) is None
    assert own_creation(Deciphered) == "Deciphered.from_db"
    assert [own_manager(model._default_manager) for model in (Plain, Cut, Noted)] == [False, False, True]


class Rows(serializers.ListSerializer[Any]):
    def to_representation(self, data: Any) -> Any:
        return [len(data)]


class Listed(serializers.ModelSerializer[Any]):
    class Meta:
        model = Plain
        fields = ("name",)
        list_serializer_class = Rows


class Texts(serializers.ModelSerializer[Any]):
    default_error_messages = {"invalid": "No."}  # noqa: RUF012 - DRF's own words

    class Meta:
        model = Cut
        fields = ("name",)


class Holding(serializers.Serializer[Any]):
    rows = Rows(child=serializers.Serializer())


def test_lists_and_texts_of_a_serializers_own_are_named() -> None:
    assert serializer_facts(Listed())["overridden"] == ["list_serializer_class"]
    assert serializer_facts(Texts())["overridden"] == ["default_error_messages"]
    assert (serializer_facts(Listed())["creates"], serializer_facts(Texts())["creates"]) == (
        None,
        "ManagerFromLoud.create",
    )
    (field,) = serializer_facts(Holding())["fields"]
    assert field["serializer"]["overridden"] == ["list_serializer_class"]


class Pages(pagination.PageNumberPagination):
    @property
    def page_size(self) -> Any:  # type: ignore[override] # as projects write it
        return 2


class Paged(ModelViewSet[Any]):
    pagination_class = Pages


def test_a_size_of_pages_that_is_a_property_is_the_projects_own() -> None:
    found = pagination_facts(Paged())
    assert found is not None
    assert found["overridden"] == ["page_size"]
