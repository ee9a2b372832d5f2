"""The tables of the archive, beside the users of the example."""

import json

from django.db import models

from django_app.accounts.models import User
from shared_schema.contract.contract import Contract, load_contract
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from tests.example import CONTRACT_FILE


class Folder(models.Model):
    owner = models.ForeignKey(User, models.CASCADE, related_name="folders")
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "archive"
        db_table = "a_folders"


class Paper(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft"
        CHECKED = "checked"

    folder = models.ForeignKey(Folder, models.CASCADE, related_name="papers")
    name = models.CharField(max_length=20, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    number = models.IntegerField(default=0)
    made_by = models.ForeignKey(User, models.CASCADE, null=True, related_name="made_papers")
    edited_by = models.ForeignKey(User, models.CASCADE, null=True, related_name="edited_papers")
    edited_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(auto_now=True)
    is_active = models.BooleanField(default=True)
    gone_at = models.DateTimeField(null=True)
    gone_by = models.ForeignKey(User, models.CASCADE, null=True, related_name="gone_papers")

    class Meta:
        app_label = "archive"
        db_table = "a_papers"
        ordering = ("id",)


class Address(models.Model):
    street = models.CharField(max_length=9, unique=True)
    floor = models.SmallIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "archive"
        db_table = "a_addresses"


class Letter(models.Model):
    text = models.CharField(max_length=9)
    pages = models.SmallIntegerField(default=1)
    address = models.ForeignKey(Address, models.CASCADE, related_name="letters")

    class Meta:
        app_label = "archive"
        db_table = "a_letters"
        ordering = ("id",)


class Keeper(models.Model):
    name = models.CharField(max_length=9)

    class Meta:
        app_label = "archive"
        db_table = "a_keepers"
        ordering = ("id",)


class Badge(models.Model):
    keeper = models.OneToOneField(Keeper, models.CASCADE, related_name="badge")
    code = models.CharField(max_length=9)
    folder = models.ForeignKey(Folder, models.CASCADE, null=True, related_name="+")
    level = models.SmallIntegerField(default=1)

    class Meta:
        app_label = "archive"
        db_table = "a_badges"


MODELS: tuple[type[models.Model], ...] = (Folder, Paper, Address, Letter, Keeper, Badge)
TABLES = tuple(model._meta.db_table for model in MODELS)
_FACTS = {model._meta.db_table: table_facts(model, Sql()) for model in MODELS}
_OWN = Contract.model_validate(json.loads(json.dumps({"format": 2, "tables": _FACTS, "tokens": {}})))
_EXAMPLE = load_contract(CONTRACT_FILE)
CONTRACT = _EXAMPLE.model_copy(update={"tables": {**_EXAMPLE.tables, **_OWN.tables}})

FILL = "".join(f"DELETE FROM {table};" for table in reversed(TABLES))  # noqa: S608 - tables of ours
FILL += """
INSERT INTO users (id, username, email, password, first_name, last_name, is_active, is_staff, is_superuser,
    date_joined, created_at)
SELECT id, name, name || '@x.org', '!', '', '', true, name = 'kim', false, now(), now()
FROM (VALUES (901, 'ann'), (902, 'bob'), (903, 'kim')) AS each (id, name) ON CONFLICT DO NOTHING;
INSERT INTO a_folders (id, owner_id, name) VALUES (1, 901, 'taxes'), (2, 902, 'letters'), (3, 901, 'bills');
INSERT INTO a_papers (id, folder_id, name, state, number, made_by_id, changed_at, is_active)
SELECT number, folder, 'paper ' || number, 'draft', number, maker, '2026-01-05', true
FROM (VALUES (1, 1, 901), (2, 1, 902), (3, 2, 902), (4, 3, NULL), (5, 1, 901), (6, 1, 901), (7, 1, 901))
    AS each (number, folder, maker);
INSERT INTO a_addresses (id, street, floor, changed_at)
VALUES (1, 'north', 1, '2026-01-05'), (2, 'south', 2, '2026-01-05');
INSERT INTO a_letters (id, text, pages, address_id) VALUES (1, 'dear', 2, 1), (2, 'yours', 1, 2), (3, 'again', 3, 1);
INSERT INTO a_keepers (id, name) VALUES (1, 'ada'), (2, 'bea');
INSERT INTO a_badges (id, keeper_id, code, folder_id, level) VALUES (1, 1, 'A1', 1, 1), (2, 2, 'B2', NULL, 2);
"""
FILL += "SELECT " + ", ".join(f"setval('{table}_id_seq', 100)" for table in TABLES) + ";"
# Of times whether they are those of now.
ROWS = """
SELECT id, folder_id, name, state, number, made_by_id, edited_by_id, is_active, gone_by_id,
    now() - edited_at < '1 hour', now() - changed_at < '1 hour', now() - gone_at < '1 hour'
FROM a_papers
"""
ROWS_WITHIN = """
SELECT 'address', id, street, floor::text, (now() - changed_at < '1 hour')::text FROM a_addresses
UNION ALL SELECT 'letter', id, text, pages::text, address_id::text FROM a_letters
UNION ALL SELECT 'keeper', id, name, '', '' FROM a_keepers
UNION ALL SELECT 'badge', id, code, keeper_id || ' ' || level, folder_id::text FROM a_badges
"""
