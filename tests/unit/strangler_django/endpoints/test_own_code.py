"""What a view's caller owns is read in exactly one shape; anything more is the project's own code."""

import ast
from datetime import UTC
from typing import Any

import pytest
from django.test.utils import override_settings
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from rest_framework import generics, mixins, permissions, serializers, viewsets
from rest_framework.validators import UniqueValidator

from django_app.accounts.models import User
from django_app.blog import models as blog_models
from django_app.blog.models import Post, Tag
from strangler_django.endpoints.code.own_code import (
    answering_serializer,
    is_own,
    returned_attribute,
    statements_of,
)
from strangler_django.endpoints.fields.serializers import serializer_facts
from strangler_django.endpoints.path_views import view_methods
from strangler_django.endpoints.views import view_facts


class PostSerializer(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("title",)


class Posts(viewsets.ModelViewSet[Post]):
    queryset = Post.objects.all()
    serializer_class = PostSerializer


# The parameters of a path.
NAMED = {"author_pk": "1", "pk": "1"}


class Owned(Posts):
    def perform_create(self, serializer: Any) -> None:
        """Whoever sends it wrote it."""
        serializer.save(author=self.request.user)

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.request.user)


class More(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=self.request.user, title=self.request.user.username)

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.request.user).reverse()


class Twice(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=self.request.user)
        serializer.instance.refresh_from_db()

    def get_queryset(self) -> Any:
        return Post.objects.filter(author__nickname=self.request.user)


class Else(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.instance.save(author=self.request.user)

    def get_queryset(self) -> Any:
        return Post.objects.exclude(author=self.request.user)


def test_the_plain_shapes_are_read_and_so_is_all_else_of_the_view() -> None:
    found = view_facts(Owned.as_view({"get": "list"}), "get", "list", {})
    rows = {
        "owner": "author",
        "unless": None,
        "within": {},
        "parameters": [],
        "filters": {},
        "parents": [],
        "backends": [],
    }
    assert (found["creator"], found["rows"], found["unread"]) == ("author", rows, [])
    assert found["queryset"]["narrowed"] == []


@pytest.mark.parametrize("view", [More, Twice, Else, Posts])
def test_any_other_shape_is_not(view: type) -> None:
    found = view_facts(view.as_view({"get": "list"}), "get", "list", NAMED)  # type: ignore[attr-defined] # a view
    assert (found["creator"], found["creation"], found["rows"], found["saving"]) == (None, None, None, {})


def rows_of(view: type) -> Any:
    return view_facts(view.as_view({"get": "list"}), "get", "list", NAMED)["rows"]  # type: ignore[attr-defined] # a view


class ByBlog(Posts):
    def get_queryset(self) -> Any:
        user = self.request.user
        if user.is_anonymous:
            return Post.objects.none()
        queryset = super().get_queryset().select_related("author").order_by("title")
        if user.is_staff:
            return queryset
        return queryset.filter(author_id=user.id).distinct()


class Within(Posts):
    def get_queryset(self) -> Any:
        return self.queryset.filter(author__id=self.kwargs["author_pk"], published=True)


class Asked(Posts):
    def get_queryset(self) -> Any:
        title = self.request.query_params.get("title")
        some = int(self.request.query_params.get("tag", 0))
        queryset = self.queryset
        if title is not None:
            queryset = queryset.filter(title=title)
        if not self.request.user.is_superuser:
            queryset = queryset.filter(author=self.request.user)
        if some and self.request.user.nickname:
            queryset = queryset.filter(tags=some)
        if "draft" in self.request.query_params:
            return queryset.exclude(published=True)
        return queryset.order_by("-id")


class Public(Posts):
    """Who isn't signed in sees other rows."""

    def get_queryset(self) -> Any:
        if self.request.user.is_anonymous:
            return Post.objects.filter(published=True)
        return Post.objects.filter(author=self.request.user)


class Widened(Posts):
    """What staff sees isn't all rows of the others."""

    def get_queryset(self) -> Any:
        if self.request.user.is_staff:
            return Post.objects.filter(published=True)
        return Post.objects.filter(author=self.request.user)


is_staff = False


class OfModule(Posts):
    """A name of the module, which the caller has an attribute of."""

    def get_queryset(self) -> Any:
        if is_staff:
            return Post.objects.all()
        return Post.objects.filter(author=self.request.user)


def test_rows_are_followed_through_the_statements_of_a_method() -> None:
    plain = {"within": {}, "parameters": [], "filters": {}, "parents": [], "backends": []}
    assert rows_of(ByBlog) == plain | {"owner": "author_id", "unless": "is_staff"}
    assert rows_of(Within) == plain | {"owner": None, "unless": None, "within": {"author__id": "author_pk"}}
    narrowed = ["title", "tag", "draft"]
    assert rows_of(Asked) == plain | {"owner": "author", "unless": "is_superuser", "parameters": narrowed}
    found = view_facts(Within.as_view({"get": "list"}), "get", "list", NAMED)
    assert (found["queryset"]["narrowed"], found["queryset"]["where"]) == ([], [["is", "published", "exact", True]])
    assert (rows_of(Widened), rows_of(Public), rows_of(OfModule)) == (None, None, None)


TITLE = "old"


class Constants(Posts):
    queryset = Post.objects  # type: ignore[assignment] # DRF takes a manager, too

    def get_queryset(self) -> Any:
        return blog_models.Post.objects.filter(title=TITLE, author_id=self.kwargs["pk"]).exclude(published=True)


class OfMethods(Posts):
    def get_serializer_class(self) -> Any:
        return PostSerializer if self.request.method == "GET" else self.serializer_class

    def get_permissions(self) -> Any:
        return [permissions.IsAdminUser()] if self.request.method == "PATCH" else [permissions.AllowAny()]


class OfHead(Posts):
    """HEAD may be another's than GET is."""

    def get_serializer_class(self) -> Any:
        return PostSerializer if self.request.method == "GET" and self.request.data else self.serializer_class

    def get_permissions(self) -> Any:
        return [permissions.AllowAny()] if self.request.method == "GET" else [permissions.IsAdminUser()]


def test_constants_by_name_and_managers_are_read() -> None:
    found = view_facts(Constants.as_view({"get": "list"}), "get", "list", NAMED)
    assert (found["rows"]["within"], found["unread"]) == ({"author_id": "pk"}, [])
    assert found["queryset"]["where"] == [["is", "title", "exact", "old"], ["not", ["is", "published", "exact", True]]]
    plain = view_facts(WithManager.as_view({"get": "list"}), "get", "list", {})
    assert (plain["queryset"]["narrowed"], plain["unread"]) == ([], [])


class WithManager(Posts):
    queryset = Post.objects  # type: ignore[assignment] # as above


@pytest.mark.parametrize(("view", "constant"), [(OfMethods, ["get_serializer_class", "get_permissions"]), (OfHead, [])])
def test_hooks_may_look_at_the_method(view: Any, constant: list[str]) -> None:
    assert view_facts(view.as_view({"get": "list"}), "get", "list", {})["constant"] == constant


class PassesOn(Posts):
    def list(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Said for the document."""
        return super().list(request, *args, **kwargs)

    def create(self, request: Any, *args: Any) -> Any:
        return super().create(request, *args, self.queryset)

    @method_decorator(never_cache)
    def retrieve(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().retrieve(request, *args, **kwargs)


@method_decorator(never_cache, name="list")
class Cached(PassesOn):
    pass


def test_a_method_that_only_passes_on_is_the_librarys() -> None:
    own = [name for name in ("list", "create", "retrieve", "update") if is_own(PassesOn, name)]
    assert own == ["create", "retrieve"]
    assert is_own(Cached, "list")


def test_a_text_is_that_of_one_column() -> None:
    class Plain:
        name = "x"

        def __str__(self) -> str:
            return self.name

    class Made(Plain):
        def __str__(self) -> str:
            return self.name.upper()

    assert (returned_attribute(Plain.__str__), returned_attribute(Made.__str__)) == ("name", None)
    assert returned_attribute(object.__str__) is None


class Shown(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("id", "title")


class Answers(PostSerializer):
    def to_representation(self, instance: Any) -> Any:
        return Shown(instance, context=self.context).data


class AnswersRows(PostSerializer):
    @property
    def data(self) -> Any:
        return Shown(instance=self.instance).data


class AnswersMore(PostSerializer):
    def to_representation(self, instance: Any) -> Any:
        return {**Shown(instance, context=self.context).data, "more": 1}


class AnswersOthers(PostSerializer):
    def to_representation(self, instance: Any) -> Any:
        return Shown(instance.author, context=self.context).data


@pytest.mark.parametrize(
    ("cls", "method", "items"), [(Answers, "to_representation", True), (AnswersRows, "data", False)]
)
def test_what_a_serializer_answers_by_is_read(cls: Any, method: str, items: bool) -> None:
    found = answering_serializer(cls)
    assert found is not None
    assert (found.cls, found.method, found.answers_items) == (Shown, method, items)
    facts = serializer_facts(cls())
    assert (facts["overridden"], facts["answers_items"]) == ([], items)
    assert [each["name"] for each in facts["answers"]["fields"]] == ["id", "title"]


@pytest.mark.parametrize("cls", [AnswersMore, AnswersOthers])
def test_other_answers_are_the_projects_own(cls: Any) -> None:
    facts = serializer_facts(cls())
    assert (facts["answers"], facts["overridden"]) == (None, ["to_representation"])


class ByAddress(Shown):
    photo = serializers.FileField()

    class Meta(Shown.Meta):
        fields = ("id", "photo")  # type: ignore[assignment] # other ones


class AnswersByAddress(PostSerializer):
    @property
    def data(self) -> Any:
        return ByAddress(self.instance).data


class Late(PostSerializer):
    def run_validation(self, data: Any = None) -> Any:
        return data

    def get_field_names(self, declared_fields: Any, info: Any) -> Any:
        return [*super().get_field_names(declared_fields, info)]


def test_whatever_of_drfs_a_serializer_replaces_is_named() -> None:
    assert serializer_facts(AnswersByAddress())["overridden"] == ["data"]
    # Which fields it has is seen.
    assert serializer_facts(Late())["overridden"] == ["run_validation"]


class Handles(generics.ListAPIView[Post]):
    queryset = Post.objects.all()
    serializer_class = PostSerializer

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


class HandsOn(mixins.ListModelMixin, generics.GenericAPIView[Post]):
    queryset = Post.objects.all()
    serializer_class = PostSerializer

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.list(request, *args, **kwargs)

    def check_permissions(self, request: Any) -> None:
        raise NotImplementedError


def test_a_handler_of_the_projects_own_is_no_action_of_drfs() -> None:
    assert view_methods(Handles.as_view()) == {"get": None}
    assert view_methods(HandsOn.as_view()) == {"get": "list"}
    assert view_facts(HandsOn.as_view(), "get", "list", {})["overridden"] == ["check_permissions"]


class TagPosts(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ("posts",)


class PostTags(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("tags",)


def test_the_other_end_of_a_relation_is_known() -> None:
    (posts,) = serializer_facts(TagPosts())["fields"]
    assert (posts["link"], posts["other_end"]) == ("many_to_many", {"table": Post._meta.db_table, "field": "tags"})
    (tags,) = serializer_facts(PostTags())["fields"]
    assert (tags["link"], "other_end" in tags) == ("many_to_many", False)


def test_a_label_is_the_projects_or_drfs() -> None:
    class Labelled(serializers.Serializer[Any]):
        plain = serializers.CharField()
        full_name = serializers.ReadOnlyField(label="Full name")

    fields = serializer_facts(Labelled())["fields"]
    assert [(each["label"], each["labelled"]) for each in fields] == [("Plain", False), ("Full name", True)]


def test_what_a_declared_field_takes_is_in_its_facts() -> None:
    own, others = UniqueValidator(User.objects.all(), "Taken."), UniqueValidator(Tag.objects.all())
    some = UniqueValidator(User.objects.filter(is_active=True))

    class Declared(serializers.ModelSerializer[User]):
        username = serializers.CharField(max_length=9, min_length=2, trim_whitespace=False, validators=[own])
        email = serializers.EmailField(allow_blank=True, validators=[some])
        display_name = serializers.SlugField(allow_unicode=True, validators=[others])
        created_at = serializers.DateTimeField(default_timezone=UTC)

        class Meta:
            model = User
            fields = ("username", "email", "display_name", "created_at")

    found = {each["name"]: each for each in serializer_facts(Declared())["fields"]}
    assert [each.get("unique_message") for each in found.values()] == ["Taken.", None, None, None]
    assert found["username"].items() >= {"max_length": 9, "min_length": 2, "trim_whitespace": False}.items()
    assert (found["email"]["allow_blank"], found["display_name"]["allow_unicode"]) == (True, True)
    assert [each.get("zone") for each in found.values()] == [None, None, None, "UTC"]


def test_what_a_list_holds_is_in_its_facts() -> None:
    class Lists(serializers.Serializer[Any]):
        plain = serializers.ListField(child=serializers.CharField(max_length=3), min_length=1, default=list)
        nested = serializers.ListField(child=serializers.ListField(child=serializers.DateField()), default=[])

    plain, nested = serializer_facts(Lists())["fields"]
    assert (plain["child"]["kind"], plain["child"]["max_length"], plain["child"]["required"]) == ("CharField", 3, True)
    assert (plain["min_length"], plain["empty_default"], nested["empty_default"]) == (1, True, False)
    assert (nested["child"]["child"]["kind"], nested["format"]) == ("DateField", "iso-8601")


@pytest.mark.parametrize("as_dict", [True, False])
def test_the_form_of_errors_of_a_list_is_the_projects(as_dict: bool) -> None:
    class Listed(serializers.Serializer[Any]):
        plain = serializers.CharField()
        rows = TagPosts(many=True)

    with override_settings(REST_FRAMEWORK={"LIST_SERIALIZER_ERRORS_AS_DICT": as_dict}):
        facts = serializer_facts(Listed())["fields"]
    assert [each.get("errors_as_dict") for each in facts] == [None, as_dict]


def test_own_texts_of_errors_are_told_by_their_codes() -> None:
    class Worded(serializers.Serializer[Any]):
        plain = serializers.CharField()
        word = serializers.CharField(error_messages={"blank": gettext_lazy("Say it.")})
        several = serializers.PrimaryKeyRelatedField(
            queryset=Post.objects.all(), many=True, error_messages={"empty": "Which?"}
        )

    fields = {each["name"]: each.get("error_messages") for each in serializer_facts(Worded())["fields"]}
    assert fields == {"plain": None, "word": {"blank": "Say it."}, "several": {"empty": "Which?"}}


@pytest.mark.parametrize(("printed", "is_read"), [("request.user", True), ("f'{kwargs}'", True), ("args.pop()", False)])
def test_what_a_method_prints_is_left_out(printed: str, is_read: bool) -> None:
    code = f"def list(self, request, *args, **kwargs):\n    print({printed})\n    return super().list(request)\n"
    (made,) = ast.parse(code).body
    assert isinstance(made, ast.FunctionDef)
    assert (len(statements_of(made)) == 1) is is_read
