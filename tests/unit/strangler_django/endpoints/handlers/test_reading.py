"""What of a handler isn't what it looks like is no fact: each of these would answer what Django doesn't."""

# ruff: noqa: ARG001, ARG002 - a handler gets what DRF gives it

import functools
from enum import Enum
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import models, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.test.utils import isolate_apps
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from rest_framework import generics, permissions, serializers, status, viewsets
from rest_framework.decorators import action, api_view, authentication_classes, permission_classes
from rest_framework.response import Response
from rest_framework.views import APIView

from django_app.blog.models import Post, Tag
from strangler_django.endpoints.path_views import view_methods
from strangler_django.endpoints.views import view_facts


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ("id", "name")


class PostSerializer(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("id", "title", "content")


with isolate_apps("django_app.blog"):

    class Hidden(models.Manager["Secret"]):
        def get_queryset(self) -> Any:
            return super().get_queryset().filter(name="")

    class Secret(models.Model):
        name = models.CharField(max_length=9)
        visible = Hidden()
        objects: Any = models.Manager()

        class Meta:
            app_label = "blog"


def facts_of(view: Any, method: str = "get", **parameters: Any) -> Any:
    made = view if hasattr(view, "cls") else view.as_view()
    return {"handler": None} | view_facts(made, method, view_methods(made)[method], parameters)


def handler_of(view: Any, method: str = "get", **parameters: Any) -> Any:
    return facts_of(view, method, **parameters)["handler"]


class Notes(APIView):
    """What belongs to the caller."""

    permission_classes = (permissions.IsAuthenticated,)

    def get(self, request: Any) -> Response:
        posts = Post.objects.filter(author=request.user).order_by("title")
        return Response(PostSerializer(posts, many=True, context={"request": request}).data)

    def post(self, request: Any) -> Response:
        data = request.data
        serializer = PostSerializer(data=data)
        if serializer.is_valid():
            serializer.save(author=request.user)
            return Response(serializer.data, status.HTTP_201_CREATED)
        return Response(serializer.errors, status=400)


def test_the_callers_rows_are_facts() -> None:
    found = facts_of(Notes)
    assert (found["action"], found["rows"]["owner"], found["queryset"]["ordering"]) == ("list", "author", ["title"])
    assert found["handler"]["has_context"]
    made = facts_of(Notes, "post")
    assert (made["action"], made["creator"], made["rows"]) == ("create", "author", None)
    assert not made["handler"]["has_context"]
    assert not made["describes"]


class Note(APIView):
    def get_object(self, pk: Any) -> Post:
        obj = get_object_or_404(Post, pk=pk, author=self.request.user)
        self.check_object_permissions(self.request, obj)
        return obj

    def get(self, request: Any, pk: Any) -> Response:
        return Response(PostSerializer(self.get_object(pk)).data)

    def put(self, request: Any, pk: Any) -> Response:
        serializer = PostSerializer(self.get_object(pk), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)

    def delete(self, request: Any, pk: Any) -> Response:
        post = Post.objects.get(pk=pk)
        post.delete()
        return Response(status=204)


def test_a_row_that_is_shown_to_permissions_is_told_from_one_that_is_not() -> None:
    for method, checks in (("get", True), ("put", True), ("delete", False)):
        found = facts_of(Note, method, pk="1")
        assert found["handler"]["checks"] is checks
        assert found["lookup"] == {"field": "pk", "parameter": "pk"}
    assert facts_of(Note, "put", pk="1")["handler"]["partial"]
    assert facts_of(Note, "put", pk="1")["rows"]["owner"] == "author"


@api_view(["GET", "PUT"])
@authentication_classes([])
@permission_classes([permissions.AllowAny])
def tag(request: Any, name: str) -> Response:
    found = get_object_or_404(Tag.objects.all(), name=name)
    if request.method == "PUT":
        serializer = TagSerializer(found, data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response({"tag": serializer.data})
    return Response(TagSerializer(found).data)


def test_a_function_is_followed_for_each_of_its_methods() -> None:
    assert [facts_of(tag, method, name="a")["action"] for method in ("get", "put")] == ["retrieve", "update"]
    assert handler_of(tag, "put", name="a")["answer"]["body"] == ["dict", [["tag", ["data"]]]]
    assert facts_of(tag, "get", name="a")["lookup"] == {"field": "name", "parameter": "name"}


def test_a_handler_that_is_read_leaves_no_hook_that_it_does_not_call() -> None:
    class Own(generics.ListAPIView[Tag]):
        serializer_class = TagSerializer

        def get_queryset(self) -> Any:
            return Tag.objects.filter(pk=self.request.user.pk + 1)

        def list(self, request: Any, *args: Any, **kwargs: Any) -> Response:
            return Response(self.get_serializer(Tag.objects.all(), many=True).data)

    found = facts_of(Own)
    assert found["handler"]["action"] == "list"
    assert found["overridden"] == []
    assert found["unread"] == []


def sent(what: Any) -> Any:
    """Something else that a handler does."""
    return what


def shows(function: Any) -> Any:
    return type("Showing", (APIView,), {"get": function})


def does_more(self: Any, request: Any) -> Response:
    tags = Tag.objects.all()
    sent(tags)
    return Response(TagSerializer(tags, many=True).data)


def assigns_what_does_more(self: Any, request: Any) -> Response:
    mail = sent(1)
    return Response(TagSerializer(Tag.objects.all(), many=True).data if mail else None)


def shows_a_slice(self: Any, request: Any) -> Response:
    return Response(TagSerializer(Tag.objects.all()[:5], many=True).data)


def shows_a_name(self: Any, request: Any) -> Response:
    return Response({"tags": TagSerializer(Tag.objects.all(), many=True).data, "by": request.user.username})


def names_headers(self: Any, request: Any) -> Response:
    return Response(TagSerializer(Tag.objects.all(), many=True).data, headers={"X-A": "1"})


def looks_at_the_caller(self: Any, request: Any) -> Response:
    if request.user.is_staff:
        return Response([])
    return Response(TagSerializer(Tag.objects.all(), many=True).data)


def shows_both(self: Any, request: Any) -> Response:
    tags = TagSerializer(Tag.objects.all(), many=True)
    posts = PostSerializer(Post.objects.all(), many=True)
    return Response({"tags": tags.data, "posts": posts.data})


def has_another_context(self: Any, request: Any) -> Response:
    return Response(TagSerializer(Tag.objects.all(), many=True, context={"short": True}).data)


def may_return_nothing(self: Any, request: Any) -> Response | None:
    tags = Tag.objects.all()
    if tags:
        return Response(TagSerializer(tags, many=True).data)
    return None


def looks_at_the_method(self: Any, request: Any) -> Response:
    # HEAD gets what this says otherwise.
    if request.method == "GET":
        return Response(TagSerializer(Tag.objects.all(), many=True).data)
    return Response([])


def doubled(function: Any) -> Any:
    @functools.wraps(function)
    def called(*arguments: Any) -> Any:
        function(*arguments)
        return function(*arguments)

    return called


@doubled
def is_decorated(self: Any, request: Any) -> Response:
    return Response(TagSerializer(Tag.objects.all(), many=True).data)


@transaction.atomic
def is_one_transaction(self: Any, request: Any) -> Response:
    with transaction.atomic():
        return Response(TagSerializer(Tag.objects.all(), many=True).data)


def test_a_transaction_is_looked_into() -> None:
    assert facts_of(shows(is_one_transaction))["handler"]["action"] == "list"


@pytest.mark.parametrize(
    "function",
    [
        does_more,
        assigns_what_does_more,
        shows_a_slice,
        shows_a_name,
        names_headers,
        looks_at_the_caller,
        shows_both,
        has_another_context,
        may_return_nothing,
        looks_at_the_method,
        is_decorated,
    ],
)
def test_what_does_more_than_to_list_is_not_read(function: Any) -> None:
    found = facts_of(shows(function))
    # A slice is a fact that the scaffold names.
    assert found["handler"] is None or found["queryset"]["narrowed"]


def finds_by_what_others_have_too(self: Any, request: Any, pk: Any) -> Response:
    return Response(PostSerializer(get_object_or_404(Post, title=pk)).data)


def finds_in_another_manager(self: Any, request: Any, pk: Any) -> Response:
    return Response(TagSerializer(get_object_or_404(Secret, pk=pk)).data)


def catches_what_showing_raises(self: Any, request: Any, pk: Any) -> Response:
    try:
        found = Tag.objects.get(pk=pk)
        return Response(TagSerializer(found).data)
    except ObjectDoesNotExist:
        return Response(status=404)


def says_why(self: Any, request: Any, pk: Any) -> Response:
    try:
        found = Tag.objects.get(pk=pk)
    except Tag.DoesNotExist as error:
        return Response({"error": str(error)}, status=404)
    return Response(TagSerializer(found).data)


def says_what(self: Any, request: Any, pk: Any) -> Response:
    try:
        found = Tag.objects.get(pk=pk)
    except Tag.DoesNotExist:
        return Response({"error": f"no tag {pk}"}, status=404)
    return Response(TagSerializer(found).data)


def counts_views(self: Any, request: Any, pk: Any) -> Response:
    found = Tag.objects.get(pk=pk)
    found.name = "seen"
    found.save()
    return Response(TagSerializer(found).data)


def has_another_key(self: Any, request: Any, pk: Any) -> Response:
    key = pk
    if request.query_params.get("other"):
        key = 2
    return Response(TagSerializer(Tag.objects.get(pk=key)).data)


def is_a_number(self: Any, request: Any, pk: Any) -> Response:
    # 0 is a number of the path too.
    if pk:
        return Response(TagSerializer(Tag.objects.get(pk=pk)).data)
    return Response([])


def test_a_parameter_that_is_asked_for_its_truth_is_one_that_may_be_0() -> None:
    assert handler_of(shows(is_a_number), pk=1)["nonzero"] == ["pk"]
    assert handler_of(shows(is_a_number), pk="1")["nonzero"] == []


@pytest.mark.parametrize(
    "function",
    [
        finds_by_what_others_have_too,
        finds_in_another_manager,
        catches_what_showing_raises,
        says_why,
        says_what,
        counts_views,
        has_another_key,
    ],
)
def test_what_does_more_than_to_show_a_row_is_not_read(function: Any) -> None:
    assert handler_of(shows(function), pk=1) is None


def posts(function: Any) -> Any:
    return type("Posting", (APIView,), {"post": function})


def saves_unchecked(self: Any, request: Any) -> Response:
    serializer = TagSerializer(data=request.data)
    serializer.is_valid()
    serializer.save()
    return Response(serializer.data)


def saves_more(self: Any, request: Any) -> Response:
    serializer = TagSerializer(data=request.data)
    if serializer.is_valid():
        serializer.save(name="a", owner=request.user)
        return Response(serializer.data)
    return Response(serializer.errors, status=400)


def saves_twice(self: Any, request: Any) -> Response:
    serializer = TagSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    serializer.save()
    serializer.save()
    return Response(serializer.data)


def sends_other_data(self: Any, request: Any) -> Response:
    serializer = TagSerializer(data={"name": request.data["name"]})
    serializer.is_valid(raise_exception=True)
    serializer.save()
    return Response(serializer.data)


def saves_where_nothing_is_said(self: Any, request: Any) -> Response:
    serializer = TagSerializer(data=request.data)
    if serializer.is_valid():
        serializer.save()
    return Response(serializer.data)


def catches_all(self: Any, request: Any) -> Response:
    serializer = TagSerializer(data=request.data)
    try:
        serializer.is_valid(raise_exception=True)
    except Exception:  # noqa: BLE001 - as projects have it
        return Response({"error": "bad"}, status=400)
    serializer.save()
    return Response(serializer.data)


def is_several(self: Any, request: Any) -> Response:
    serializer = TagSerializer(data=request.data, many=True)
    serializer.is_valid(raise_exception=True)
    serializer.save()
    return Response(serializer.data)


@pytest.mark.parametrize(
    "function",
    [
        saves_unchecked,
        saves_more,
        saves_twice,
        sends_other_data,
        saves_where_nothing_is_said,
        catches_all,
        is_several,
    ],
)
def test_what_does_more_than_to_add_a_row_is_not_read(function: Any) -> None:
    assert handler_of(posts(function), "post") is None


class ReadsFirst(APIView):
    def put(self, request: Any, pk: Any) -> Response:
        # A body that can't be read is refused before anybody looks for the row.
        data = request.data
        serializer = TagSerializer(get_object_or_404(Tag, pk=pk), data=data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)

    def patch(self, request: Any, pk: Any) -> Response:
        tags = Tag.objects.all()
        try:
            found = tags.get(pk=pk)
        except Post.DoesNotExist:
            raise Http404 from None
        serializer = TagSerializer(found, data=self.request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, headers=self.headers)


def test_the_order_in_which_a_request_is_refused_is_kept() -> None:
    assert handler_of(ReadsFirst, "put", pk="1") is None
    assert handler_of(ReadsFirst, "patch", pk="1") is None


class Sets(viewsets.ModelViewSet[Tag]):
    queryset = Tag.objects.all()
    serializer_class = TagSerializer

    @action(detail=False)
    def stale(self, request: Any) -> Response:
        # Read once by the process, and kept.
        return Response(TagSerializer(self.queryset, many=True).data)

    @action(detail=False)
    def fresh(self, request: Any) -> Response:
        return Response(TagSerializer(self.queryset.order_by("-name"), many=True).data)


def test_rows_that_django_keeps_are_not_read() -> None:
    for name, is_read in (("stale", False), ("fresh", True)):
        found = {"handler": None} | view_facts(Sets.as_view({"get": name}), "get", name, {})
        assert (found["handler"] is not None, found["action"]) == (is_read, name)


@method_decorator(cache_page(60), name="get")
class Kept(APIView):
    def get(self, request: Any) -> Response:
        return Response(TagSerializer(Tag.objects.all(), many=True).data)


def test_what_a_class_wraps_its_handler_in_is_not_passed_over() -> None:
    assert handler_of(Kept) is None


class Word(Enum):
    NEW = "new"


class Looks(viewsets.ModelViewSet[Post]):
    """Each looks at something that some requests lack, and does nothing with it."""

    queryset = Post.objects.all()
    serializer_class = PostSerializer

    def at_profile(self, request: Any, pk: Any = None) -> Response:
        post = self.get_object()
        _profile = request.user.profile
        post.published = True
        post.save()
        return Response(status=204)

    def at_header(self, request: Any, pk: Any = None) -> Response:
        post = self.get_object()
        _key = request.headers["X-Key"]
        post.published = True
        post.save()
        return Response(status=204)

    def at_number(self, request: Any, pk: Any = None) -> Response:
        post = self.get_object()
        _number = 1 / int(pk)
        post.published = True
        post.save()
        return Response(status=204)

    def with_text(self, request: Any, pk: Any = None) -> Response:
        """Django saves `Word.NEW`."""
        post = self.get_object()
        post.title = Word.NEW
        post.save()
        return Response(status=204)

    def at_nothing(self, request: Any, pk: Any = None) -> Response:
        post = self.get_object()
        _caller = request.user
        post.published = True
        post.save()
        return Response(status=204)


def test_what_a_handler_looks_at_in_vain_may_fail() -> None:
    read = {}
    for name in ("at_profile", "at_header", "at_number", "with_text", "at_nothing"):
        read[name] = view_facts(Looks.as_view({"post": name}), "post", name, {"pk": "1"}).get("handler") is not None
    assert [name for name, is_read in read.items() if is_read] == ["at_nothing"]
