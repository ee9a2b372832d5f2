"""What a method or a property makes of columns is read where it is an expression of texts and numbers, and no more."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from django_app.accounts.models import User
from django_app.blog.models import Post
from strangler_django.endpoints.expressions.own_values import attribute_value, method_value, string_value
from strangler_django.endpoints.fields.serializers import serializer_facts

LEAST = 3


class Methods(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("title",)

    def shout(self, obj: Post) -> str:
        """Louder."""
        text = obj.title.upper()
        return f"{text}! ({obj.author.username})"

    def price(self, post: Post) -> Any:
        return post.id * Decimal("1.1") + LEAST

    def rounded(self, obj: Post) -> int:
        return round(obj.id)

    def author(self, obj: Post) -> str | None:
        if not obj.author:
            return None
        return str(obj.author)

    def reach(self, obj: Post) -> str:
        word = "none"
        if obj.tags.exists():
            word = obj.title
        return f"{word}: {len(obj.tags.all()) + obj.tags.all().count()}"

    def worded(self, obj: Post) -> str:
        return f"{{{obj.title.replace('a', 'b')!r:>9}}} {f'{obj.id}':<4}|{obj.id:03}|{obj.title or 'none'}"

    def some(self, obj: Post) -> int:
        return obj.tags.filter(name="x").count()

    def theirs(self, obj: Post) -> int:
        return obj.author.posts.count()

    def own(self, obj: Post) -> Any:
        return self.context["request"].user == obj.author

    def reassigned(self, obj: Any) -> Any:
        obj = obj.author
        return obj.id

    def time(self, obj: Post) -> Any:
        return obj.created_at

    def effect(self, obj: Post) -> str:
        obj.title = "x"
        return obj.title


def test_texts_within_a_text_are_as_every_python_reads_them() -> None:
    """Python 3.12 would write them in the quotes of the f-string, which the service's Python may not read."""
    found = method_value(Methods, "worded", Post)
    assert found is not None
    assert found["code"] == (
        "'{{{!r:>9}}} {:<4}|{:03}|{}'.format(title.replace('a', 'b'), f'{id_}', id_, title or 'none')"
    )
    post = Post(id=7, title="a cat")
    assert eval(found["code"], {"title": post.title, "id_": post.id}) == Methods().worded(post)  # noqa: S307 - of above


@pytest.mark.parametrize(
    ("name", "code", "columns"),
    [
        ("shout", "f'{title.upper()}! ({author__username})'", ["title", "author__username"]),
        ("price", "id_ * Decimal('1.1') + 3", ["id"]),
        ("author", "None if not author_id is not None else author__username", ["author_id", "author__username"]),
        (
            "reach",
            "f'{title}: {tags_count + tags_count}' if tags_count > 0"
            " else '{}: {}'.format('none', tags_count + tags_count)",
            ["title"],
        ),
    ],
)
def test_expressions_are_read(name: str, code: str, columns: list[str]) -> None:
    found = method_value(Methods, name, Post)
    assert found is not None
    assert (found["code"], sorted(found["columns"].values())) == (code, sorted(columns))


@pytest.mark.parametrize("name", ["time", "effect", "title", "reassigned"])
def test_anything_else_is_not(name: str) -> None:
    assert method_value(Methods, name, Post) is None


def test_a_function_of_the_projects_own_is_not_taken_for_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `from numbers_of_ours import round` makes one."""
    assert method_value(Methods, "rounded", Post) is not None
    monkeypatch.setitem(globals(), "round", lambda _: 0)
    assert method_value(Methods, "rounded", Post) is None


@pytest.mark.parametrize("name", ["__bool__", "__len__"])
def test_a_row_that_may_be_false_is_not_asked_for_its_truth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, name, lambda _: 0, raising=False)
    assert method_value(Methods, "author", Post) is None


def test_methods_of_a_model_are_read_through_foreign_keys() -> None:
    found = attribute_value(Post, "author.get_full_name", "CharField")
    assert found is not None
    assert found["code"] == "str(('%s %s' % (author__first_name, author__last_name)).strip())"
    assert attribute_value(User, "check_password", "ReadOnlyField") is None


def test_the_number_of_rows_of_a_relation_is_read() -> None:
    """As the source of a field, too; not by a manager of the project's, which may leave some out."""
    tags = {"link": "many_to_many", "managed": False, "source": "tags"}
    found = attribute_value(Post, "tags.count", "IntegerField")
    assert found == {"code": "tags_count", "columns": {}, "counts": {"tags_count": tags}}
    found = attribute_value(User, "posts.exists", "BooleanField")
    assert found is not None
    assert (found["code"], found["counts"]["posts_count"]["pointing"]) == (
        "posts_count > 0",
        {"table": "posts", "field": "author"},
    )
    assert attribute_value(Rack, "hidden.count", "IntegerField") is None
    assert attribute_value(Rack, "linked.count", "IntegerField") is None


with isolate_apps("django_app.blog"):

    class Some(models.Manager[Any]):
        def get_queryset(self) -> Any:
            return super().get_queryset().filter(pk=1)

    class Hidden(models.Model):
        objects = Some()

        class Meta:
            app_label = "blog"

    class Rack(models.Model):
        hidden = models.ManyToManyField(Hidden)
        linked = models.ManyToManyField("Rack", through="Link", symmetrical=False)

        class Meta:
            app_label = "blog"

    class Link(models.Model):
        rack = models.ForeignKey(Rack, models.CASCADE, related_name="+")
        other = models.ForeignKey(Rack, models.CASCADE, related_name="+")
        objects = Some()

        class Meta:
            app_label = "blog"

    class Held(Post):
        class Meta:
            proxy = True
            app_label = "blog"

        @property
        def doubled(self) -> int:
            return self.id * 2

    class Shelf(models.Model):
        holds = models.ManyToManyField(Held)

        class Meta:
            app_label = "blog"

    class Print(models.Model):
        scan = models.FileField(null=True)

        class Meta:
            app_label = "blog"

    class Frame(models.Model):
        number = models.IntegerField()
        holds = models.ForeignKey(Print, models.CASCADE)

        class Meta:
            app_label = "blog"
            unique_together = (("number", "holds"),)

    class Size(models.IntegerChoices):
        SMALL = 1
        __empty__ = "(Unknown)"

    class Chosen(models.Model):
        state = models.CharField(max_length=1, choices=[("a", "Afloat"), ("Sunk", [("c", "It's gone")])])
        size = models.IntegerField(null=True, choices=[(1, "Small")])
        known = models.IntegerField(null=True, choices=Size.choices)
        price = models.DecimalField(max_digits=3, decimal_places=1, choices=[(Decimal("1.5"), "Cheap")])
        rounded = models.DecimalField(max_digits=3, decimal_places=1, choices=[(2, "Dear"), (0.5, "Half")])
        mood = models.CharField(max_length=1, choices=[("m", gettext_lazy("Monday"))])

        class Meta:
            app_label = "blog"


class ShelfSerializer(serializers.ModelSerializer[Any]):
    holds = serializers.SlugRelatedField("doubled", many=True, read_only=True)
    names = serializers.SlugRelatedField("__str__", source="holds", many=True, read_only=True)

    class Meta:
        model = Shelf
        fields = ("holds", "names")


def test_a_property_may_be_the_slug_of_several_rows() -> None:
    holds, names = serializer_facts(ShelfSerializer())["fields"]
    assert holds["computed"] == {"code": "id_ * 2", "columns": {"id_": "id"}}
    # A method isn't called.
    assert names["computed"] is None


class FrameSerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = Frame
        fields = ("holds", "number")


def test_what_is_unique_together_is_named_in_djangos_order() -> None:
    (found,) = serializer_facts(FrameSerializer())["unique_together"]
    assert found["fields"] == [["number", "number"], ["holds", "holds"]]


def test_a_file_as_a_text_is_its_name() -> None:
    columns = {"holds__scan": "holds__scan"}
    assert attribute_value(Frame, "holds.scan", "CharField") == {"code": "holds__scan or ''", "columns": columns}
    assert attribute_value(Frame, "holds.scan", "ReadOnlyField") is None


def test_properties_are_read() -> None:
    assert attribute_value(Held, "doubled", "ReadOnlyField") == {"code": "id_ * 2", "columns": {"id_": "id"}}


def test_the_label_of_a_choice_is_read() -> None:
    code = "{'a': 'Afloat', 'c': \"It's gone\"}.get(state, state)"
    state = {"code": code, "columns": {"state": "state"}}
    assert attribute_value(Chosen, "get_state_display", "ReadOnlyField") == state
    shown = attribute_value(Chosen, "get_state_display", "CharField")
    assert shown
    assert shown["code"] == f"str({code})"
    function = eval(f"lambda state: {shown['code']}")  # noqa: S307 - what was read above
    for value in ("a", "c", "x"):
        assert function(value) == Chosen(state=value).get_state_display()  # type: ignore[attr-defined] # Django's own
    size = attribute_value(Chosen, "get_size_display", "ReadOnlyField")
    assert size
    assert size["code"] == "None if size is None else {1: 'Small'}.get(size, size)"
    assert attribute_value(Chosen, "get_size_display", "CharField") is None


def test_the_label_of_null_is_read() -> None:
    for kind in ("ReadOnlyField", "CharField"):
        found = attribute_value(Chosen, "get_known_display", kind)
        assert found
        function = eval(f"lambda known: {found['code']}")  # noqa: S307 - what was read above
        for value, shown in ((None, "(Unknown)"), (1, "Small"), (7, 7)):
            assert Chosen(known=value).get_known_display() == shown  # type: ignore[attr-defined] # Django's own
            assert function(value) == (shown if kind == "ReadOnlyField" else str(shown))


def test_a_label_by_a_key_that_json_has_otherwise_is_not_read() -> None:
    assert attribute_value(Chosen, "get_price_display", "ReadOnlyField") is None
    found = attribute_value(Chosen, "get_rounded_display", "ReadOnlyField")
    assert found
    function = eval(f"lambda rounded: {found['code']}")  # noqa: S307 - as above
    for value in (Decimal("2.0"), Decimal("0.5"), Decimal("0.1")):
        assert function(value) == Chosen(rounded=value).get_rounded_display()  # type: ignore[attr-defined] # as above


def test_a_label_that_follows_the_callers_language_is_not(settings: Any) -> None:
    settings.USE_I18N = True
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
    assert attribute_value(Chosen, "get_mood_display", "ReadOnlyField") is None
    settings.MIDDLEWARE = []
    found = attribute_value(Chosen, "get_mood_display", "ReadOnlyField")
    assert found
    assert found["code"] == "{'m': 'Monday'}.get(mood, mood)"


def test_the_text_of_a_row_is_null_where_there_is_none() -> None:
    assert string_value(Post, "author") == {
        "code": "author__username if author_id is not None else None",
        "columns": {"author__username": "author__username", "author_id": "author_id"},
    }
