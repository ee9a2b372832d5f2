"""The tables of the kitchen, beside the users of the example."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from rest_framework.exceptions import ValidationError as DrfError

from django_app.accounts.models import User
from shared_schema.contract.contract import Contract, load_contract
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from tests.example import CONTRACT_FILE


class Team(models.Model):
    name = models.CharField(max_length=20)
    members: Any = models.ManyToManyField(User, related_name="teams", blank=True, db_table="k_team_members")

    class Meta:
        app_label = "kitchen"
        db_table = "k_teams"
        ordering = ("-name", "id")


class Recipe(models.Model):
    name = models.CharField(max_length=20)
    author = models.ForeignKey(User, models.CASCADE, related_name="recipes")
    editor = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="edited")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="recipes")
    cooks: Any = models.ManyToManyField(User, related_name="cooked", blank=True, db_table="k_recipe_cooks")

    class Meta:
        app_label = "kitchen"
        db_table = "k_recipes"
        ordering = ("id",)

    def is_liked_by(self, user: Any) -> bool:
        return self.favorited.filter(user=user).exists()  # type: ignore[attr-defined,no-any-return] # a relation


class Favorite(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="favorites")
    recipe = models.ForeignKey(Recipe, models.CASCADE, related_name="favorited")

    class Meta:
        app_label = "kitchen"
        db_table = "k_favorites"
        unique_together = ("user", "recipe")


class Rating(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="ratings")
    recipe = models.ForeignKey(Recipe, models.CASCADE, related_name="ratings")
    score = models.SmallIntegerField(default=0)
    is_final = models.BooleanField(default=False)

    class Meta:
        app_label = "kitchen"
        db_table = "k_ratings"
        ordering = ("-score",)

    @property
    def dish(self) -> Recipe:
        return self.recipe

    def get_owner_object(self) -> Recipe:
        """What is owned: the recipe, by its author."""
        return self.dish


class Follow(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="following")
    author = models.ForeignKey(User, models.CASCADE, related_name="followers")

    class Meta:
        app_label = "kitchen"
        db_table = "k_follows"


class Profile(models.Model):
    user = models.OneToOneField(User, models.CASCADE, related_name="profile")
    bio = models.CharField(max_length=20, blank=True)

    class Meta:
        app_label = "kitchen"
        db_table = "k_profiles"


class Photo(models.Model):
    picture = models.ImageField(upload_to="photos", null=True)

    class Meta:
        app_label = "kitchen"
        db_table = "k_photos"
        ordering = ("id",)


class Order(models.Model):
    class State(models.TextChoices):
        NEW = "new"
        DONE = "done"

    user = models.ForeignKey(User, models.CASCADE, related_name="orders")
    state = models.CharField(max_length=9, choices=State.choices, default=State.NEW)
    is_paid = models.BooleanField(default=False)
    views = models.PositiveSmallIntegerField(default=0)
    details = models.JSONField(default=dict)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        app_label = "kitchen"
        db_table = "k_orders"
        ordering = ("id",)


FORBIDDEN = ("you", "we")


def validate_name_of_ours(value: str) -> None:
    """No name of ours."""
    if value.lower() == "me":
        raise ValidationError(f"{value} is taken.", code="taken")


def validate_short(value: str) -> str:
    if value in FORBIDDEN:
        raise ValidationError("%(value)s is no name.", params={"value": value})
    elif len(value) == 3 or value == "they":  # noqa: RET506 - so some write it
        raise ValidationError("Not so short: 100%.")
    return value


def validate_year(value: int) -> None:
    year = timezone.now().year
    if value > year:
        raise ValidationError(f"{value} is to come: {value}")
    if value < 2:
        raise DrfError("Too early.", code="early")


class Basket(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="baskets")
    name = models.CharField(max_length=9, validators=[validate_name_of_ours, validate_short])
    year = models.IntegerField(default=2026, validators=[validate_year])
    likers: Any = models.ManyToManyField(User, related_name="+", blank=True, db_table="k_basket_likers")

    class Meta:
        app_label = "kitchen"
        db_table = "k_baskets"
        ordering = ("id",)


class Line(models.Model):
    basket = models.ForeignKey(Basket, models.CASCADE, related_name="lines")
    recipe = models.ForeignKey(Recipe, models.CASCADE, related_name="+", null=True)
    item = models.CharField(max_length=5)
    amount = models.PositiveSmallIntegerField(default=1)
    extra = models.JSONField(null=True, blank=True)

    class Meta:
        app_label = "kitchen"
        db_table = "k_lines"
        ordering = ("-amount", "id")


MODELS: tuple[type[models.Model], ...] = (Team, Recipe, Favorite, Rating, Follow, Profile, Photo, Order, Basket, Line)
_LINKS = (Team.members.through, Recipe.cooks.through, Basket.likers.through)
TABLES = tuple(model._meta.db_table for model in (*MODELS, *_LINKS))
_FACTS = {model._meta.db_table: table_facts(model, Sql()) for model in (*MODELS, *_LINKS)}
_OWN = Contract.model_validate(json.loads(json.dumps({"format": 2, "tables": _FACTS, "tokens": {}})))
_EXAMPLE = load_contract(CONTRACT_FILE)
CONTRACT = _EXAMPLE.model_copy(update={"tables": {**_EXAMPLE.tables, **_OWN.tables}})

# All tables to the rows that the requests begin with, and the users whom they are from.
FILL = "".join(f"DELETE FROM {table};" for table in reversed(TABLES))  # noqa: S608 - tables of ours
FILL += """
INSERT INTO users (id, username, email, password, first_name, last_name, is_active, is_staff, is_superuser,
    date_joined, created_at)
SELECT id, name, name || '@x.org', '!', '', '', true, name = 'kim', false, now(), now()
FROM (VALUES (901, 'ann'), (902, 'bob'), (903, 'kim')) AS each (id, name) ON CONFLICT DO NOTHING;
INSERT INTO k_teams (id, name) VALUES (1, 'red'), (2, 'blue');
INSERT INTO k_team_members (id, team_id, user_id) VALUES (1, 1, 901), (2, 1, 902), (3, 2, 902);
INSERT INTO k_recipes (id, name, author_id, editor_id, team_id) VALUES
    (1, 'soup', 901, NULL, 1), (2, 'stew', 902, 901, 2), (3, 'pie', 902, 902, NULL);
INSERT INTO k_recipe_cooks (id, recipe_id, user_id) VALUES (1, 1, 902), (2, 2, 901), (3, 2, 902);
INSERT INTO k_favorites (id, user_id, recipe_id) VALUES (1, 901, 2), (2, 902, 1), (3, 902, 2);
INSERT INTO k_ratings (id, user_id, recipe_id, score, is_final) VALUES
    (1, 901, 1, 3, false), (2, 901, 1, 5, true), (3, 902, 1, 1, true), (4, 901, 3, 4, false);
INSERT INTO k_follows (id, user_id, author_id) VALUES (1, 901, 902), (2, 902, 901), (3, 902, 903);
INSERT INTO k_profiles (id, user_id, bio) VALUES (1, 901, 'Ann'), (2, 902, '');
INSERT INTO k_photos (id, picture) VALUES (1, 'photos/a.png'), (2, '');
INSERT INTO k_orders (id, user_id, state, is_paid, views, details) VALUES
    (1, 901, 'new', false, 32766, '{}'), (2, 902, 'new', false, 1, '[1]');
"""
FILL += "".join(f"SELECT setval('{table}_id_seq', 100);" for table in TABLES)
# Without the moments at which either side did something.
ROWS = " UNION ALL ".join(
    f"SELECT '{table}', regexp_replace(each::text, '20[0-9-]{{8}} [0-9:.]+', 'then') FROM {table} AS each"  # noqa: S608 - tables of ours
    for table in TABLES
)
