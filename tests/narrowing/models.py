"""Wares with a column of each kind that filters compare."""

import json
from typing import Any, Final

from django.contrib.postgres.fields import (
    ArrayField,
    BigIntegerRangeField,
    DateRangeField,
    DateTimeRangeField,
    DecimalRangeField,
    HStoreField,
    IntegerRangeField,
)
from django.db import models
from django.test.utils import isolate_apps

from shared_schema.contract.contract import Contract
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql

STATES: Final = [("new", "New"), ("used", "Used"), ("lost", "Lost")]

with isolate_apps("django_app.blog"):

    class Shop(models.Model):
        name = models.CharField(max_length=20)
        opened_at = models.DateTimeField()
        street = models.CharField(max_length=20, default="")

        class Meta:
            app_label = "blog"
            db_table = "n_shops"
            ordering = ("id",)

    class Tag(models.Model):
        word = models.CharField(max_length=20, unique=True)

        class Meta:
            app_label = "blog"
            db_table = "n_tags"
            ordering = ("id",)

    class Ware(models.Model):
        name = models.CharField(max_length=20)
        state = models.CharField(max_length=5, choices=STATES, default="new")
        price = models.DecimalField(max_digits=6, decimal_places=2)
        pieces = models.IntegerField()
        weight = models.FloatField(null=True)
        made_on = models.DateField(null=True)
        made_at = models.DateTimeField()
        opens = models.TimeField(null=True)
        lasts = models.DurationField(null=True)
        serial = models.UUIDField(unique=True)
        sold = models.BooleanField(default=False)
        known = models.BooleanField(null=True)
        shop = models.ForeignKey(Shop, models.SET_NULL, null=True, related_name="wares")
        tags: Any = models.ManyToManyField(Tag, related_name="wares", db_table="n_ware_tags")
        data = models.JSONField(default=dict)
        facts = HStoreField(default=dict)
        labels = ArrayField(models.CharField(max_length=9), default=list)
        places = IntegerRangeField(null=True)
        tons = BigIntegerRangeField(null=True)
        depth = DecimalRangeField(null=True)
        days = DateRangeField(null=True)
        hours = DateTimeRangeField(null=True)

        class Meta:
            app_label = "blog"
            db_table = "n_wares"
            ordering = ("id",)


MODELS: tuple[type[models.Model], ...] = (Shop, Tag, Ware)
_LINKS = (Ware.tags.through,)
_FACTS = {model._meta.db_table: table_facts(model, Sql()) for model in (*MODELS, *_LINKS)}
CONTRACT = Contract.model_validate(json.loads(json.dumps({"format": 2, "tables": _FACTS, "tokens": {}})))
FILL = """
INSERT INTO n_shops (id, name, opened_at, street) VALUES
    (1, 'Café Éclair', '2026-03-28 23:30:00Z', 'Straße'), (2, 'Cafe', '2025-12-31 23:30:00Z', 'Allee');
INSERT INTO n_tags (id, word) VALUES (1, 'red'), (2, 'blue');
INSERT INTO n_wares (id, name, state, price, pieces, weight, made_on, made_at, opens, lasts, serial, sold, known,
    shop_id, data, facts, labels, places, tons, depth, days, hours) VALUES
(1, 'Axe', 'new', 1.50, 1, 1.5, '2026-01-05', '2026-01-04 23:30:00Z', '10:20', '1 day',
    '00000000000000000000000000000001', true, true, 1,
    '{"size": 3, "kind": "big", "on": true, "at": "2026-01-05", "list": ["a", "b"], "null": null}', 'a=>1, b=>x',
    '{a,b}', '[1,5)', '[1,9)', '[1.5,2.5)', '[2026-01-01,2026-02-01)', '[2026-01-01 10:00Z,2026-01-02 10:00Z)'),
(2, 'bow', 'used', 20, 2, NULL, '2025-12-31', '2025-12-31 23:00:00Z', '10:20:30.5', NULL,
    '00000000000000000000000000000002', false, false, 2,
    '{"size": 3.5, "kind": "small", "on": false, "deep": {"size": 1}}', 'a=>2',
    '{b}', '[3,)', 'empty', '(,2]', '[2026-01-15,)', '(,2026-01-01 12:00Z]'),
(3, 'Égg', 'lost', 300.25, 3, 7, NULL, '2026-03-29 00:59:59.999999Z', NULL, '2 hours',
    '00000000000000000000000000000003', false, NULL, NULL,
    '{"size": "3", "on": null}', 'b=>NULL', '{}', 'empty', NULL, NULL, NULL, 'empty'),
(4, 'egg', 'new', 4, 40, 0.25, '2024-02-29', now(), '23:59:59', '00:00:01',
    '00000000000000000000000000000004', true, true, 1,
    '[1, 2]', '', '{c,d}', NULL, '(,5)', '[2,3]', '(,2025-01-01)', NULL),
(5, 'Bow', 'new', 5, 5, 5, current_date, '2026-10-25 00:30:00Z', '00:00', NULL,
    '00000000000000000000000000000005', true, NULL, 2,
    '"text"', 'c=>3, a=>1', '{a}', '(,)', '[7,8)', '(1.5,)', '[2026-01-05,2026-01-06)',
    '[2026-01-02 10:00Z,2026-01-03 10:00Z)');
INSERT INTO n_ware_tags (id, ware_id, tag_id) VALUES (1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 4, 1);
"""
ROWS = "SELECT id::text FROM n_wares"
