"""The facts of a view: its methods, permissions, lists and serializer, and what can't be read of it."""

import threading
from datetime import date
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.postgres.fields import DateRangeField, IntegerRangeField
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.db.models.sql import Query
from django.test.utils import isolate_apps, override_settings
from django.utils import timezone
from django.views.generic import TemplateView
from django_filters import rest_framework as django_filters
from django_filters.filters import BooleanFilter as PlainBooleanFilter
from django_filters.filterset import UnknownFieldBehavior
from django_filters.widgets import CSVWidget, QueryArrayWidget
from rest_framework import filters, pagination, permissions, serializers
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.generics import ListCreateAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle, UserRateThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from django_app.accounts.models import User
from django_app.blog.models import Post, PostEvent, Tag
from strangler_django.endpoints.fields.serializers import serializer_facts
from strangler_django.endpoints.lists.filtersets import parameters_of
from strangler_django.endpoints.lists.lists import pagination_facts
from strangler_django.endpoints.path_views import view_methods, view_name
from strangler_django.endpoints.views import view_facts
from strangler_django.throttling.histories import HistoryCache


class TagSerializer(serializers.ModelSerializer[Tag]):
    shout = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(choices=[("a", "A"), ("b", "B")], write_only=True, default="a")

    class Meta:
        model = Tag
        fields = ("id", "name", "shout", "kind")

    def get_shout(self, tag: Tag) -> str:
        return tag.name.upper()

    def validate_name(self, value: str) -> str:
        return value


class PostSerializer(serializers.ModelSerializer[Post]):
    tags = TagSerializer(many=True, read_only=True)

    class Meta:
        model = Post
        fields = ("title", "author", "tags")


class OwnPostSerializer(serializers.ModelSerializer[Post]):
    author = serializers.HiddenField(default=serializers.CurrentUserDefault())
    title = serializers.HiddenField(default=serializers.CreateOnlyDefault(serializers.CurrentUserDefault()))
    body = serializers.HiddenField(default=lambda: "made")

    class Meta:
        model = Post
        fields = ("author", "title", "body")


def test_a_default_that_is_the_caller_is_told_from_others() -> None:
    found = {each["name"]: each["caller_default"] for each in serializer_facts(OwnPostSerializer(), Post)["fields"]}
    assert found == {"author": "always", "title": "new", "body": None}


class Blank(models.Field):
    """A column of a class that DRF has no field for."""


class TrimmedField(serializers.CharField):
    """A field of the project's own."""


def test_a_field_that_drf_does_not_make_of_its_column_is_the_projects() -> None:
    """Of none that a `ModelSerializer` of DRF's would make the column says how values are written."""
    usual = serializers.ModelSerializer.serializer_field_mapping
    own = {models.TextField: TrimmedField, models.UUIDField: serializers.CharField}
    with isolate_apps("django_app.blog"):

        class Leaf(models.Model):
            title, text, number, blank = models.CharField(), models.TextField(), models.UUIDField(), Blank()

            class Meta:
                app_label = "blog"

            def __str__(self) -> str:
                return self.title

        class LeafSerializer(serializers.ModelSerializer[Leaf]):
            serializer_field_mapping = usual | own

            class Meta:
                model = Leaf
                fields = ("title", "text", "number", "blank")

        found = {each["name"]: each["changed"] for each in serializer_facts(LeafSerializer(), Leaf)["fields"]}
    assert found == {"title": {}, "text": None, "number": None, "blank": None}


def changed_by(model: type[models.Model], **attributes: dict[str, Any]) -> dict[str, Any]:
    """The changes that are found where `get_fields` gives a model's fields these attributes."""
    meta = type("Meta", (), {"model": model, "fields": (*attributes,)})

    class Late(serializers.ModelSerializer[Any]):
        Meta = meta

        def get_fields(self) -> Any:
            fields = super().get_fields()
            for name, given in attributes.items():
                vars(fields[name]).update(given) if "choices" not in given else setattr(fields[name], *given.popitem())
            return fields

    return {each["name"]: each["changed"] for each in serializer_facts(Late(), model)["fields"]}


def test_what_is_done_to_a_field_once_it_is_made_is_a_change() -> None:
    """As in a `get_fields`, and by packages that put a unique value's check off."""
    posts = changed_by(Post, id={}, title={"required": False}, content={"max_length": 3}, tags={"allow_empty": False})
    assert posts == {
        "id": {},
        "title": {"required": False},
        "content": {"max_length": 3},
        "tags": {"allow_empty": False},
    }
    assert changed_by(Tag, name={"_validators": []}) == {"name": {"validators": []}}
    assert changed_by(PostEvent, kind={"choices": ["made"]}) == {"kind": {"choices": {"made": "made"}}}
    assert changed_by(Post, author={"read_only": True}) == {"author": {"read_only": True}}


class PostFilter(django_filters.FilterSet):
    wanted = django_filters.CharFilter(method="by_wish")

    class Meta:
        model = Post
        fields = {  # noqa: RUF012 - Django's own words
            "published": ["exact"],
            "created_at": ["gte"],
        }

    def by_wish(self, queryset: QuerySet[Post], _name: str, _value: str) -> QuerySet[Post]:
        return queryset


class Counting(Paginator):  # type: ignore[type-arg] # it has none as Django runs
    pass


class Hundreds(pagination.PageNumberPagination):
    page_size = 100
    django_paginator_class = Counting
    invalid_page_message = "No page {page_number}."

    def get_next_link(self) -> None:
        return None


class Tens(pagination.LimitOffsetPagination):
    default_limit = 10
    max_limit = 50


class Posts(ModelViewSet[Post]):
    queryset = Post.objects.all()
    serializer_class = PostSerializer
    pagination_class = Tens
    filter_backends = (filters.SearchFilter, filters.OrderingFilter, django_filters.DjangoFilterBackend)
    search_fields = ("title", "=author__username")
    ordering_fields = ("created_at",)
    filterset_class = PostFilter
    permission_classes = (permissions.IsAdminUser | (permissions.IsAuthenticated & ~permissions.AllowAny),)

    def perform_create(self, serializer: serializers.BaseSerializer[Post]) -> None:
        serializer.save()

    @action(detail=True, methods=["post"], permission_classes=[permissions.AllowAny])
    def publish(self, request: Request, pk: int) -> Response:
        raise NotImplementedError


class Own(RetrieveAPIView[Any]):
    serializer_class = TagSerializer

    def get_queryset(self) -> QuerySet[Tag]:
        user: AbstractBaseUser = self.request.user  # type: ignore[assignment] # nobody
        return Tag.objects.filter(posts__author=user.nickname)  # type: ignore[attr-defined] # which nobody has

    def get_permissions(self) -> list[Any]:
        return [permissions.IsAuthenticated()] if Tag.objects.exists() else []


@api_view(["GET", "POST"])
@permission_classes([permissions.IsAuthenticated])
def totals(_request: Request) -> Response:
    raise NotImplementedError


def facts(view: Any, method: str, action_name: str | None, **parameters: Any) -> dict[str, Any]:
    return view_facts(view, method, action_name, parameters)


LIST = Posts.as_view({"get": "list", "post": "create"}, detail=False)
PUBLISH = Posts.as_view({"post": "publish"}, detail=True, permission_classes=[permissions.AllowAny])


@pytest.mark.parametrize(
    ("view", "methods"),
    [
        (LIST, {"get": "list", "post": "create"}),
        (ListCreateAPIView.as_view(), {"get": "list", "post": "create"}),
        (Posts.as_view({"get": "list", "put": "update"}, http_method_names=["get"]), {"get": "list"}),
        (Own.as_view(), {"get": "retrieve"}),
        (totals, {"get": None, "post": None}),
        (APIView.as_view(), {}),
        (TemplateView.as_view(), {"get": None}),
        (lambda request: request, {}),
    ],
)
def test_methods_have_their_action(view: Any, methods: dict[str, str | None]) -> None:
    assert view_methods(view) == methods


def test_a_function_view_is_named_as_in_the_code() -> None:
    assert view_name(totals).endswith("test_views.totals")
    assert view_name(LIST).endswith("test_views.Posts")


def test_a_list_has_its_filters_its_order_and_its_pages() -> None:
    found = facts(LIST, "get", "list")
    assert found["unread"] == []
    assert found["model"] == {"label": "blog.Post", "table": "posts", "writes": []}
    assert found["filters"]["search"] == {
        "parameter": "search",
        "fields": ["title", "=author__username"],
        "lookups": [["title", "icontains"], ["author__username", "iexact"]],
    }
    assert found["filters"]["ordering"] == {
        "parameter": "ordering",
        "fields": ["created_at"],
        "default": None,
        "valid": ["created_at"],
    }
    assert found["queryset"] == {
        "narrowed": [],
        "where": [],
        "annotations": {},
        "ordering": ["-created_at", "-id"],
        "ordering_unread": False,
    }
    by_name = {each["name"]: each for each in found["filters"]["filterset"]["parameters"]}
    assert by_name["wanted"]["method"] == "by_wish"
    assert (by_name["created_at__gte"]["field"], by_name["created_at__gte"]["lookup"]) == ("created_at", "gte")
    assert found["pagination"]["kind"] == "limit_offset"
    assert (found["pagination"]["default_limit"], found["pagination"]["max_limit"]) == (10, 50)
    assert found["pagination"]["overridden"] == []
    pages = pagination_facts(SimpleNamespace(paginator=Hundreds()))
    assert pages
    assert pages["overridden"] == ["django_paginator_class", "get_next_link"]
    assert pages["invalid_page_message"] == "No page {page_number}."


def test_what_is_no_list_has_neither_pages_nor_filters() -> None:
    found = facts(LIST, "post", "create")
    assert (found["pagination"], found["filters"]) == (None, None)
    assert found["overridden"] == ["perform_create"]


def test_combined_permissions_are_an_expression_and_actions_have_their_own() -> None:
    (found,) = facts(LIST, "get", "list")["permissions"]
    name = "rest_framework.permissions"
    assert found == f"({name}.IsAdminUser | ({name}.IsAuthenticated & ~{name}.AllowAny))"
    published = facts(PUBLISH, "post", "publish", pk=1)
    assert (published["permissions"], published["detail"]) == ([f"{name}.AllowAny"], True)


def test_a_serializer_has_its_fields_with_their_limits_and_nested_ones() -> None:
    found = facts(LIST, "get", "list")["serializer"]
    fields = {each["name"]: each for each in found["fields"]}
    assert fields["title"]["max_length"] == 200
    assert fields["author"]["model"] == "accounts.User"
    nested = fields["tags"]["serializer"]
    assert (fields["tags"]["many"], nested["overridden"]) == (True, ["validate_name"])
    inner = {each["name"]: each for each in nested["fields"]}
    assert (inner["kind"]["choices"], inner["kind"]["default"]) == (["a", "b"], "a")
    assert inner["shout"]["method"] == "get_shout"
    # What the project declared isn't compared with what DRF would have made of the column.
    assert (inner["name"]["changed"], inner["kind"]["changed"]) == ({}, None)
    assert [name for name, each in inner.items() if each.get("lacking")] == ["kind"]
    assert (fields["tags"]["link"], fields["author"]["link"]) == ("many_to_many", "many_to_one")


def test_filters_of_the_projects_own_are_named_for_lists_and_rows() -> None:
    class OfCaller(filters.BaseFilterBackend):
        def filter_queryset(self, request: Request, queryset: QuerySet[Post], _view: Any) -> QuerySet[Post]:
            return queryset.filter(author=request.user)

    class Narrowed(PostFilter):
        @property
        def qs(self) -> QuerySet[Post]:
            return super().qs.filter(published=True)

    class Held(Posts):
        filter_backends = (filters.SearchFilter, OfCaller, django_filters.DjangoFilterBackend)
        filterset_class = Narrowed

    backend = f"filter backend {OfCaller.__module__}.{OfCaller.__qualname__}"
    for method, name in (("get", "list"), ("get", "retrieve"), ("delete", "destroy")):
        found = view_facts(Held.as_view({method: name}), method, name, {})
        assert found["own_filters"] == [backend, "FilterSet: qs"]
    assert facts(LIST, "get", "list")["own_filters"] == []


def test_a_filterset_that_changes_what_was_sent_is_the_projects_own() -> None:
    class ByDefault(PostFilter):
        def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
            super().__init__({"published": "true", **(data or {})}, *args, **kwargs)

    class Some(django_filters.BaseInFilter, django_filters.NumberFilter):
        def filter(self, qs: QuerySet[Post], value: Any) -> QuerySet[Post]:
            return super().filter(qs, value).filter(published=True)

    class ByKeys(django_filters.FilterSet):
        keys = Some(field_name="id", lookup_expr="in")

        class Meta:
            model = Post
            fields = ("keys",)

    class Held(Posts):
        filter_backends = (django_filters.DjangoFilterBackend,)
        filterset_class = ByDefault

    class Keyed(Held):
        filterset_class = ByKeys

    class Plain(Held):
        filterset_class = None

    assert view_facts(Held.as_view({"get": "list"}), "get", "list", {})["own_filters"] == ["FilterSet: __init__"]
    assert view_facts(Plain.as_view({"get": "list"}), "get", "list", {})["own_filters"] == []
    found = view_facts(Keyed.as_view({"get": "list"}), "get", "list", {})
    (parameter,) = found["filters"]["filterset"]["parameters"]
    # Its own filter is called for everybody.
    said = ["filter keys may narrow rows where nothing is sent"]
    assert (found["own_filters"], parameter["settings"]) == (said, ["code of your own"])


class Upper(forms.TextInput):
    def value_from_datadict(self, data: Any, _files: Any, _name: str) -> Any:
        return data.get("TITLE")


class Guarded(django_filters.CharFilter):
    """It leaves the rows alone where nothing is sent."""

    def filter(self, qs: QuerySet[Post], value: Any) -> QuerySet[Post]:
        return qs.filter(title=value.upper()) if value else qs


class Otherwise(forms.CharField):
    def clean(self, value: Any) -> Any:
        return super().clean(value) or "a"


class ByOtherwise(django_filters.CharFilter):
    field_class = Otherwise


class NoBound(django_filters.NumberFilter):
    def get_max_validator(self) -> None:
        return None


class Titles(django_filters.CharFilter):
    """Says no more than a name."""


def test_a_filter_that_may_narrow_rows_for_who_sends_nothing_is_named() -> None:
    class Own(django_filters.FilterSet):
        ticked = django_filters.BooleanFilter(field_name="published", widget=forms.CheckboxInput)
        upper = django_filters.CharFilter(field_name="title", widget=Upper)
        guarded = Guarded(field_name="title")
        otherwise = ByOtherwise(field_name="title")
        unbound = NoBound(field_name="id")
        titles = Titles(field_name="title")
        spans = django_filters.DateRangeFilter(
            field_name="created_at", choices=[("ever", "Ever")], filters={"ever": lambda qs, _name: qs}
        )

        class Meta:
            model = Post
            fields: ClassVar = {"created_at": ["range"]}

    class Held(Posts):
        filter_backends = (django_filters.DjangoFilterBackend,)
        filterset_class = Own

    unasked = "may narrow rows where nothing is sent"
    found = view_facts(Held.as_view({"get": "retrieve"}), "get", "retrieve", {})
    said = [f"filter ticked {unasked}", "filter upper reads its parameters by Upper", f"filter otherwise {unasked}"]
    assert found["own_filters"] == said
    facts = {each["name"]: (each["kind"], each["settings"]) for each in parameters_of(Own)}
    code, field = ["code of your own"], ["a form field of your own"]
    assert facts == {
        "ticked": ("BooleanFilter", ["CheckboxInput"]),
        "upper": ("CharFilter", ["Upper"]),
        "guarded": ("Guarded", code),
        "otherwise": ("CharFilter", field),
        "unbound": ("NoBound", code),
        "titles": ("CharFilter", []),
        "spans": ("DateRangeFilter", ["spans of your own"]),
        # What django-filter calls a DateTimeRangeFilter, and is another.
        "created_at__range": ("BaseRangeFilter", []),
    }


def test_a_field_of_which_django_filter_makes_no_filter_has_none() -> None:
    with isolate_apps("django_app.blog"):

        class Blob(models.Model):
            name = models.TextField()
            content = models.BinaryField()

            class Meta:
                app_label = "blog"

    class Blobs(django_filters.FilterSet):
        class Meta:
            model = Blob
            fields = ("name", "content")
            unknown_field_behavior = UnknownFieldBehavior.IGNORE

    assert [each["name"] for each in parameters_of(Blobs)] == ["name"]


@pytest.mark.parametrize(("language", "of_days"), [("en-us", []), ("de", ["%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d"])])
def test_days_are_written_as_in_the_projects_language(language: str, of_days: list[str]) -> None:
    class Own(django_filters.FilterSet):
        day = django_filters.DateFilter(field_name="created_at")
        span = django_filters.DateFromToRangeFilter(field_name="created_at")
        own = django_filters.DateFilter(field_name="created_at", input_formats=["%Y/%m/%d"])
        iso = django_filters.IsoDateTimeFilter(field_name="created_at")
        text = django_filters.CharFilter(field_name="title")

    with override_settings(LANGUAGE_CODE=language, USE_I18N=True):
        found = {each["name"]: each["formats"] for each in parameters_of(Own)}
    assert found == {"day": of_days, "span": of_days, "own": ["%Y/%m/%d"], "iso": [], "text": []}


class Lazily(QuerySet[Post]):
    """As that of django-safedelete, it leaves rows out when they are read."""

    def _fetch_all(self) -> None:
        self.query.add_q(Q(published=True))
        super()._fetch_all()  # type: ignore[misc] # it has no stub


class Later(Query):
    """The same by its SQL."""


@pytest.mark.parametrize(
    ("queryset", "narrowed"),
    [
        (Post.objects.all(), []),
        (
            Post.objects.values("author").annotate(number=Count("id")),
            ["annotations", "rows that are none of its model"],
        ),
        (Lazily(Post), ["code of a query of your own"]),
        (QuerySet(Post, query=Later(Post)), ["code of a query of your own"]),
    ],
)
def test_rows_that_are_read_in_another_way_are_named(queryset: Any, narrowed: list[str]) -> None:
    found = view_facts(Posts.as_view({"get": "list"}, queryset=queryset), "get", "list", {})
    assert found["queryset"]["narrowed"] == narrowed


@isolate_apps("django_app.blog")
def test_so_are_rows_that_a_relation_leads_to() -> None:
    class Shelf(models.Model):
        class Meta:
            app_label = "blog"

    class Book(models.Model):
        shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="books")
        objects = models.Manager.from_queryset(Lazily)()

        class Meta:
            app_label = "blog"

    class Paper(models.Model):
        shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="papers")
        objects = models.Manager.from_queryset(QuerySet)()

        class Meta:
            app_label = "blog"

    class Shown(serializers.ModelSerializer[Shelf]):
        class Meta:
            model = Shelf
            fields = ("books", "papers")

    assert [each["managed"] for each in serializer_facts(Shown())["fields"]] == [True, False]


NOTED = threading.local()


def someone() -> Any:
    """Who calls, as a middleware has noted it."""
    return getattr(NOTED, "caller", None)


def published() -> Any:
    """What is the same for everybody."""
    return Post.objects.filter(published=True)


class ByElsewhere(Posts):
    def get_queryset(self) -> Any:
        caller = someone()
        return Post.objects.filter(author=caller) if caller else Post.objects.all()


class ByFunction(Posts):
    def get_queryset(self) -> Any:
        return published()


class ByAttribute(Posts):
    """The module has a function of that name."""

    def get_queryset(self) -> Any:
        return Post.objects.filter(published=self.action == "list")


class ByDay(Posts):
    def get_queryset(self) -> Any:
        return Post.objects.filter(created_at__year=timezone.now().year)


class ByDate(Posts):
    def get_queryset(self) -> Any:
        return Post.objects.filter(created_at__year=date.today().year)  # noqa: DTZ011 - as projects write it


class ByProperty(Posts):
    @property
    def queryset(self) -> Any:  # type: ignore[override] # as projects write it
        user = self.request.user
        return Post.objects.filter(author=user) if user.is_authenticated else Post.objects.all()


def test_an_attribute_that_is_a_property_is_the_projects_own() -> None:
    assert view_facts(ByProperty.as_view({"get": "list"}), "get", "list", {})["overridden"] == [
        "perform_create",
        "queryset",
    ]


class OfUsers(Posts):
    def get_queryset(self) -> Any:
        return get_user_model().objects.filter(is_active=True).order_by("id").reverse()


@pytest.mark.parametrize(
    ("view", "is_constant"),
    [(ByElsewhere, 0), (ByDay, 0), (ByDate, 0), (OfUsers, 1), (ByFunction, 1), (ByAttribute, 1)],
)
def test_what_a_function_says_may_be_another_for_each_request(view: Any, is_constant: bool) -> None:
    found = view_facts(view.as_view({"get": "list"}), "get", "list", {})
    assert found["rows"] is None
    assert ("get_queryset" in found["constant"]) == is_constant


def test_several_rows_are_shown_by_the_field_that_their_text_is() -> None:
    class Shown(serializers.ModelSerializer[Post]):
        tags = serializers.StringRelatedField[str](many=True)

        class Meta:
            model = Post
            fields = ("tags",)

    (tags,) = serializer_facts(Shown())["fields"]
    assert (tags["kind"], tags["many"], tags["link"], tags["text"]) == (
        "StringRelatedField",
        True,
        "many_to_many",
        "name",
    )


def test_an_attribute_that_is_none_is_not_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """DRF answers null."""
    monkeypatch.setattr(Tag, "kind", None, raising=False)
    fields = {each["name"]: each for each in facts(LIST, "get", "list")["serializer"]["fields"]}
    assert not [each for each in fields["tags"]["serializer"]["fields"] if each.get("lacking")]


def test_what_rows_behind_a_foreign_key_lack_is_known() -> None:
    class Shown(serializers.ModelSerializer[Post]):
        name = serializers.ReadOnlyField(source="author.username")
        nick = serializers.ReadOnlyField(source="author.nick")
        tag = serializers.ReadOnlyField(source="tags.word")

        class Meta:
            model = Post
            fields = ("name", "nick", "tag")

    assert [each["name"] for each in serializer_facts(Shown())["fields"] if each["lacking"]] == ["nick"]


def test_what_writes_rows_within_may_be_a_librarys() -> None:
    def create(self: Any, validated_data: Any) -> Any:
        raise NotImplementedError

    def save(self: Any, **_given: Any) -> Any:
        raise NotImplementedError

    create.__module__ = save.__module__ = "drf_writable_nested.mixins"
    library = {"__module__": "drf_writable_nested.mixins", "create": create, "save": save}
    mixin = type("NestedCreateMixin", (serializers.ModelSerializer,), library)
    theirs = type("Theirs", (mixin,), {"Meta": PostSerializer.Meta})
    found = serializer_facts(theirs())
    assert (found["overridden"], found["nested_writes"]) == (["create"], ["create"])
    own = type("Own", (theirs,), {"save": TagSerializer.get_shout, "create": TagSerializer.validate_name})
    found = serializer_facts(own())
    assert (found["overridden"], found["nested_writes"]) == (["create", "save"], [])


class NarrowSerializer(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("title", "published")
        read_only_fields = ("published",)
        extra_kwargs = {"title": {"max_length": 9, "validators": []}}  # noqa: RUF012 - Django's own words


class Narrow(ListCreateAPIView[Post]):
    queryset = Post.objects.filter(published=True).distinct().order_by("title")
    serializer_class = NarrowSerializer


def test_what_differs_from_the_model_is_named() -> None:
    found = facts(Narrow.as_view(), "get", "list")
    assert found["queryset"] == {
        "narrowed": ["distinct"],
        "where": [["is", "published", "exact", True]],
        "annotations": {},
        "ordering": ["title"],
        "ordering_unread": False,
    }
    changed = {each["name"]: each["changed"] for each in found["serializer"]["fields"]}
    assert changed == {"title": {"max_length": 9}, "published": {"read_only": True}}


class PickSerializer(serializers.ModelSerializer[Tag]):
    plain = serializers.PrimaryKeyRelatedField(queryset=Post.objects.all())
    held = serializers.PrimaryKeyRelatedField(queryset=Post.objects.filter(published=True, title__contains="a"))
    either = serializers.PrimaryKeyRelatedField(queryset=Post.objects.exclude(published=True))

    class Meta:
        model = Tag
        fields = ("plain", "held", "either")


class Pick(ListCreateAPIView[Tag]):
    queryset = Tag.objects.all()
    serializer_class = PickSerializer


def test_which_rows_may_be_sent_is_told_as_far_as_equal_values_say() -> None:
    found = facts(Pick.as_view(), "post", "create")
    told = {each["name"]: (each["narrowed"], each["where"]) for each in found["serializer"]["fields"]}
    assert told == {"plain": (False, {}), "held": (True, {"published": True}), "either": (True, {})}


def test_what_needs_a_request_or_rows_is_named_as_unread() -> None:
    found = facts(Own.as_view(), "get", "retrieve")
    assert {each["what"]: each["reason"] for each in found["unread"]} == {
        "permissions": "DatabaseAskedError: it reads rows",
        "model": "AttributeError: 'AnonymousUser' object has no attribute 'nickname'",
    }
    assert {"get_queryset", "get_permissions"} <= set(found["overridden"])


class ByAction(Posts):
    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return TagSerializer if self.action == "metadata" else PostSerializer


class Unknown(Posts):
    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return {"create": PostSerializer, "list": TagSerializer}[self.action or ""]


def test_what_options_describes_is_the_serializer_of_its_own_action() -> None:
    actions = {"get": "list", "post": "create"}
    found = facts(ByAction.as_view(actions, detail=False), "post", "create")
    assert found["described"]["class"].endswith("TagSerializer")
    assert found["serializer"]["class"].endswith("PostSerializer")
    assert facts(ByAction.as_view(actions, detail=False), "get", "list")["described"] is None
    # Django's OPTIONS fails.
    assert facts(Unknown.as_view(actions, detail=False), "post", "create")["described"] is None
    assert facts(LIST, "post", "create")["described"] is None


class Burst(UserRateThrottle):
    scope = "burst"
    rate = "5/min"
    cache = HistoryCache()


class OneForAll(AnonRateThrottle):
    rate = "5/min"

    def get_cache_key(self, _request: Request, _view: APIView) -> str:
        return "one"


class Unlimited(UserRateThrottle):
    THROTTLE_RATES = {"user": None}  # noqa: RUF012 - DRF's own words


class Scoped(ScopedRateThrottle):
    THROTTLE_RATES = {"uploads": "2/day"}  # noqa: RUF012 - as above


def test_throttles_have_their_rates() -> None:
    class Counted(APIView):
        throttle_classes = (Burst, OneForAll, Unlimited, Scoped)
        throttle_scope = "uploads"

        def get(self, _request: Request) -> Response:
            return Response()

    facts = view_facts(Counted.as_view(), "get", None, {})
    assert [
        (each["kind"], each["scope"], each["rate"], each["shared"], each["overridden"])
        for each in facts["throttle_rates"]
    ] == [
        ("user", "burst", "5/min", True, []),
        ("anon", "anon", "5/min", False, ["get_cache_key"]),
        ("scoped", "uploads", "2/day", False, []),
    ]
    unscoped = view_facts(Counted.as_view(throttle_scope=None), "get", None, {})
    assert [each["kind"] for each in unscoped["throttle_rates"]] == ["user", "anon"]


class ByRow(django_filters.FilterSet):
    author = django_filters.ModelChoiceFilter(queryset=User.objects.all())
    some = django_filters.ModelChoiceFilter(field_name="author", queryset=User.objects.filter(is_staff=True))
    name = django_filters.ModelChoiceFilter(field_name="author", queryset=User.objects.all(), to_field_name="username")
    title = django_filters.CharFilter(required=True, strip=False, label="A title", help_text="Of a post.")
    number = django_filters.NumberFilter(field_name="id", min_value=0, required=False)
    nobody = django_filters.ModelChoiceFilter(
        field_name="author", queryset=User.objects.all(), null_label="nobody", empty_label="any"
    )
    every = django_filters.ModelMultipleChoiceFilter(field_name="tags", queryset=Tag.objects.all(), conjoined=True)
    named = django_filters.ModelMultipleChoiceFilter(
        field_name="tags__name", queryset=Tag.objects.all(), to_field_name="name", widget=QueryArrayWidget
    )
    named_some = django_filters.ModelMultipleChoiceFilter(
        field_name="tags__name", queryset=Tag.objects.filter(name="a"), to_field_name="name"
    )
    keyed = django_filters.ModelMultipleChoiceFilter(
        field_name="tags", queryset=Tag.objects.all(), to_field_name="name", widget=forms.CheckboxSelectMultiple
    )
    often = django_filters.AllValuesMultipleFilter(field_name="tags__name", distinct=False)
    boxed = django_filters.BaseCSVFilter(field_name="id", widget=CSVWidget)
    selected = PlainBooleanFilter(field_name="published")
    ticked = django_filters.BooleanFilter(field_name="published", widget=forms.CheckboxInput)

    class Meta:
        model = Post
        fields = ("author", "published", "tags")


class PostsByRow(Posts):
    filterset_class = ByRow


def test_a_declared_filter_that_takes_any_row_is_the_librarys() -> None:
    wanted = {"author": False, "some": True, "name": True, "every": False, "tags": False}
    wanted |= {"named": False, "named_some": True, "keyed": True}
    declared = {each["name"]: each["declared"] for each in _by_row() if each["name"] in wanted}
    assert declared == wanted
    assert {each["name"] for each in _by_row() if each["to_field"] == "name"} == {"named", "named_some", "keyed"}


def test_settings_of_a_filter_that_change_what_it_takes_or_finds_are_named() -> None:
    assert {each["name"]: each["settings"] for each in _by_row() if each["settings"]} == {
        "title": ["required", "strip"],
        "number": ["min_value"],
        "nobody": ["null_label"],
        "every": ["conjoined"],
        "named": ["QueryArrayWidget"],
        "often": ["rows as often as they are linked"],
        "selected": ["NullBooleanSelect"],
        "ticked": ["CheckboxInput"],
    }


def _by_row() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = facts(PostsByRow.as_view({"get": "list"}), "get", "list")["filters"]["filterset"][
        "parameters"
    ]
    return found


class OwnField(django_filters.CharFilter.field_class):  # type: ignore[name-defined,misc] # Django's CharField
    def clean(self, value: Any) -> Any:
        return super().clean(value).lower()


class LowerFilter(django_filters.CharFilter):
    field_class = OwnField


class SeveralFilter(django_filters.BaseInFilter, LowerFilter):
    """Several of those."""


class NumbersFilter(django_filters.BaseInFilter, django_filters.NumberFilter):
    """Several of django-filter's own."""


def test_a_filter_that_reads_by_a_form_field_of_the_projects_own_says_so() -> None:
    class Own(django_filters.FilterSet):
        lower = LowerFilter(field_name="title")
        several = SeveralFilter(field_name="title", lookup_expr="in")
        numbers = NumbersFilter(field_name="id", lookup_expr="in")

        plain = django_filters.BaseInFilter(field_name="id")

    found = {each["name"]: each["settings"] for each in parameters_of(Own)}
    assert found == {name: ["a form field of your own"] for name in ("lower", "several")} | {"numbers": [], "plain": []}
    read_by = {each["name"]: each["items"] for each in parameters_of(Own)}
    assert read_by == {"lower": None, "several": "CharFilter", "numbers": "NumberFilter", "plain": "Filter"}


def test_a_field_that_drf_makes_of_a_range_is_derived() -> None:
    class OwnRangeField(IntegerRangeField):
        """A project's own."""

    with isolate_apps("django_app.blog"):

        class Span(models.Model):
            places = IntegerRangeField()
            days = DateRangeField()
            own = OwnRangeField()

            class Meta:
                app_label = "blog"

    class SpanSerializer(serializers.ModelSerializer[Span]):
        class Meta:
            model = Span
            fields = ("places", "days", "own")
            extra_kwargs: ClassVar = {"days": {"required": False}}

    found = {
        each["name"]: (each["kind"], each["changed"]) for each in serializer_facts(SpanSerializer(), Span)["fields"]
    }
    assert found == {
        "places": ("ModelField", {}),
        "days": ("ModelField", {"required": False}),
        "own": ("ModelField", None),
    }


def test_methods_that_a_path_does_not_offer_have_permissions_all_the_same() -> None:
    """The action is `metadata` for OPTIONS and none for another method, as DRF has it before it refuses one."""

    class ByAction(ModelViewSet[Tag]):
        queryset = Tag.objects.all()
        serializer_class = TagSerializer

        def get_permissions(self) -> list[Any]:
            by_action: dict[Any, Any] = {"list": permissions.IsAdminUser, None: permissions.IsAuthenticated}
            return [by_action.get(self.action, permissions.AllowAny)()]

    found = view_facts(ByAction.as_view({"get": "list", "post": "create"}), "get", "list", {})
    given = {method: each["permissions"] for method, each in found["unoffered"].items()}
    signed_in = ["rest_framework.permissions.IsAuthenticated"]
    assert found["permissions"] == ["rest_framework.permissions.IsAdminUser"]
    assert given == {
        "OPTIONS": ["rest_framework.permissions.AllowAny"],
        **dict.fromkeys(("DELETE", "PATCH", "PUT"), signed_in),
    }
    assert "unoffered" not in view_facts(LIST, "get", "list", {})


class InSpace(Posts):
    """Its rows can't be had outside of a request, not even as a queryset."""

    @property
    def queryset(self) -> Any:
        raise LookupError("a space needs to be active")

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(author=self.request.user)


def test_rows_that_cannot_be_had_are_unread_and_the_rest_of_the_view_is_read() -> None:
    found = facts(InSpace.as_view({"get": "list"}), "get", "list")
    assert [each for each in found["unread"] if each["what"] in ("get_queryset", "model")] == [
        {"what": "get_queryset", "reason": "LookupError: a space needs to be active"},
        {"what": "model", "reason": "LookupError: a space needs to be active"},
    ]
    assert found["rows"] is None
    assert found["permissions"]
