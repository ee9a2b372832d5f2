"""The tables of the reviews, beside the users of the example."""

import json

from django.db import models

from django_app.accounts.models import User
from shared_schema.contract.contract import Contract, load_contract
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from tests.example import CONTRACT_FILE


class Title(models.Model):
    name = models.CharField(max_length=20)
    slug = models.SlugField(unique=True)
    is_hidden = models.BooleanField(default=False)

    class Meta:
        app_label = "reviews"
        db_table = "r_titles"


class Review(models.Model):
    title = models.ForeignKey(Title, models.CASCADE, related_name="reviews")
    author = models.ForeignKey(User, models.CASCADE, related_name="reviews")
    text = models.CharField(max_length=20)
    score = models.SmallIntegerField(default=5)

    class Meta:
        app_label = "reviews"
        db_table = "r_reviews"
        ordering = ("id",)
        unique_together = ("title", "author")


class Comment(models.Model):
    review = models.ForeignKey(Review, models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, models.CASCADE, related_name="comments")
    text = models.CharField(max_length=20)

    class Meta:
        app_label = "reviews"
        db_table = "r_comments"
        ordering = ("id",)


class Project(models.Model):
    id = models.UUIDField(primary_key=True)
    owner = models.ForeignKey(User, models.CASCADE, related_name="projects")
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "reviews"
        db_table = "r_projects"


class Task(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="tasks")
    name = models.CharField(max_length=20)
    is_done = models.BooleanField(default=False)

    class Meta:
        app_label = "reviews"
        db_table = "r_tasks"
        ordering = ("id",)


MODELS: tuple[type[models.Model], ...] = (Title, Review, Comment, Project, Task)
TABLES = tuple(model._meta.db_table for model in MODELS)
_FACTS = {model._meta.db_table: table_facts(model, Sql()) for model in MODELS}
_OWN = Contract.model_validate(json.loads(json.dumps({"format": 2, "tables": _FACTS, "tokens": {}})))
_EXAMPLE = load_contract(CONTRACT_FILE)
CONTRACT = _EXAMPLE.model_copy(update={"tables": {**_EXAMPLE.tables, **_OWN.tables}})

# The keys of two projects.
ANNS, BOBS = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
FILL = "".join(f"DELETE FROM {table};" for table in reversed(TABLES))  # noqa: S608 - tables of ours
FILL += """
INSERT INTO users (id, username, email, password, first_name, last_name, is_active, is_staff, is_superuser,
    date_joined, created_at)
SELECT id, name, name || '@x.org', '!', '', '', true, name = 'kim', false, now(), now()
FROM (VALUES (901, 'ann'), (902, 'bob'), (903, 'kim')) AS each (id, name) ON CONFLICT DO NOTHING;
INSERT INTO r_titles (id, name, slug, is_hidden) VALUES
    (1, 'Emma', 'emma', false), (2, 'Middlemarch', '2', false), (3, 'Lost', 'lost', true);
INSERT INTO r_reviews (id, title_id, author_id, text, score) VALUES
    (1, 1, 901, 'good', 8), (2, 1, 902, 'long', 3), (3, 2, 902, 'longer', 4), (4, 3, 901, 'gone', 1);
INSERT INTO r_comments (id, review_id, author_id, text) VALUES
    (1, 1, 902, 'yes'), (2, 1, 901, 'thanks'), (3, 3, 901, 'no'), (4, 4, 902, 'hm');
INSERT INTO r_projects (id, owner_id, name) VALUES
    ('11111111-1111-4111-8111-111111111111', 901, 'garden'), ('22222222-2222-4222-8222-222222222222', 902, 'house');
INSERT INTO r_tasks (id, project_id, name, is_done) VALUES
    (1, '11111111-1111-4111-8111-111111111111', 'dig', false), (2, '11111111-1111-4111-8111-111111111111', 'sow', true),
    (3, '22222222-2222-4222-8222-222222222222', 'roof', false);
"""
FILL += "".join(f"SELECT setval('{table}_id_seq', 100);" for table in TABLES if table != "r_projects")
ROWS = " UNION ALL ".join(f"SELECT '{table}', each::text FROM {table} AS each" for table in TABLES)  # noqa: S608 - as above
