"""Tables of many kinds of columns and relations, as Django's models and as mapped classes, for generated views."""

import json
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core import validators
from django.db import models
from django.test.utils import isolate_apps
from sqlalchemy.orm import Mapped

from shared_schema.contract.contract import Contract
from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql

KINDS = ("new", "used", "lost")

with isolate_apps("django_app.blog"):

    class Maker(models.Model):
        name = models.CharField(max_length=9, unique=True)
        rank = models.SmallIntegerField(null=True, blank=True)

        class Meta:
            app_label = "blog"
            db_table = "w_makers"
            ordering = ("-name",)

        def __str__(self) -> str:
            return self.name

    class Label(models.Model):
        word = models.CharField(max_length=9, primary_key=True)
        shade = models.CharField(max_length=6, unique=True)

        class Meta:
            app_label = "blog"
            db_table = "w_labels"
            ordering = ("word",)

        @property
        def named(self) -> str:
            return f"{self.shade} {self.word}"

    class Spot(models.Model):
        serial = models.UUIDField(primary_key=True, default=uuid.uuid4)

        class Meta:
            app_label = "blog"
            db_table = "w_spots"

    class Thing(models.Model):
        title = models.CharField(max_length=12)
        code = models.CharField(max_length=5, unique=True)
        remark = models.TextField(null=True, blank=True)  # noqa: DJ001 - a project may
        kind = models.CharField(max_length=4, choices=[(kind, kind.title()) for kind in KINDS], default="new")
        pieces = models.PositiveIntegerField(default=1)
        rank = models.SmallIntegerField(null=True, blank=True, unique=True)
        price = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
        weight = models.FloatField(default=1.5, validators=[validators.MaxValueValidator(99)])
        made_on = models.DateField(null=True, blank=True)
        packed_at = models.DateTimeField(null=True)
        opened = models.TimeField(null=True, blank=True)
        lasts = models.DurationField(null=True, blank=True)
        serial = models.UUIDField(null=True, blank=True)
        notes = models.JSONField(default=dict, blank=True)
        tags = ArrayField(models.CharField(max_length=5), size=2, blank=True, default=list)
        grid = ArrayField(ArrayField(models.SmallIntegerField(null=True)), null=True, blank=True)
        sold = models.BooleanField(default=False)
        known = models.BooleanField(null=True)
        address = models.GenericIPAddressField(null=True, blank=True)
        website = models.URLField(blank=True)
        contact = models.EmailField(blank=True)
        slug = models.SlugField(blank=True)
        made_at = models.DateTimeField(auto_now_add=True)
        changed_at = models.DateTimeField(auto_now=True)
        maker = models.ForeignKey(Maker, models.CASCADE, null=True, blank=True)
        base = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
        spot = models.OneToOneField(Spot, models.SET_NULL, null=True, blank=True)
        labels = models.ManyToManyField(Label, db_table="w_things_labels", blank=True)

        class Meta:
            app_label = "blog"
            db_table = "w_things"

    class Part(models.Model):
        thing = models.ForeignKey(Thing, models.CASCADE, related_name="parts")
        name = models.CharField(max_length=5)
        pieces = models.IntegerField(default=1)

        class Meta:
            app_label = "blog"
            db_table = "w_parts"
            ordering = ("name",)

    class Remark(models.Model):
        thing = models.ForeignKey(Thing, models.SET_NULL, null=True)

        class Meta:
            app_label = "blog"
            db_table = "w_remarks"


MODELS: tuple[type[models.Model], ...] = (Maker, Label, Spot, Thing, Part, Remark)
_TABLES = {model._meta.db_table: table_facts(model, Sql()) for model in (*MODELS, Thing.labels.through)}


class _Workshop(Mapping):
    contract = Contract.model_validate(json.loads(json.dumps({"format": 2, "tables": _TABLES, "tokens": {}})))  # type: ignore[assignment] # of no file


MAPPING = _Workshop()


class MakerRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "w_makers"
    id: Mapped[int]
    name: Mapped[str]
    rank: Mapped[int | None]


class LabelRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "w_labels"
    word: Mapped[str]
    shade: Mapped[str]


class SpotRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "w_spots"
    serial: Mapped[uuid.UUID]


class ThingRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "w_things"
    id: Mapped[int]
    title: Mapped[str]
    code: Mapped[str]
    remark: Mapped[str | None]
    kind: Mapped[str]
    pieces: Mapped[int]
    rank: Mapped[int | None]
    price: Mapped[Decimal | None]
    weight: Mapped[float]
    made_on: Mapped[date | None]
    packed_at: Mapped[datetime | None]
    opened: Mapped[time | None]
    lasts: Mapped[timedelta | None]
    serial: Mapped[uuid.UUID | None]
    notes: Mapped[Any]
    tags: Mapped[list[str]]
    grid: Mapped[list[int] | None]
    sold: Mapped[bool]
    known: Mapped[bool | None]
    address: Mapped[str | None]
    website: Mapped[str]
    contact: Mapped[str]
    slug: Mapped[str]
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    maker_id: Mapped[int | None]
    base_id: Mapped[int | None]
    spot_id: Mapped[uuid.UUID | None]


class ThingLabelRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "w_things_labels"
    id: Mapped[int]
    thing_id: Mapped[int]
    label_id: Mapped[str]


class PartRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "w_parts"
    id: Mapped[int]
    thing_id: Mapped[int]
    name: Mapped[str]
    pieces: Mapped[int]


# All tables to the rows that a view begins with; statements without parameters, sent at once.
FILL = """
DELETE FROM w_remarks; DELETE FROM w_parts; DELETE FROM w_things_labels; DELETE FROM w_things; DELETE FROM w_spots;
DELETE FROM w_labels; DELETE FROM w_makers;
INSERT INTO w_makers (id, name, rank) VALUES (1, 'Ann', 1), (2, 'Bob', NULL), (3, 'cyd', 5);
INSERT INTO w_labels VALUES ('old', 'grey'), ('red', 'dark'), ('big', 'light');
INSERT INTO w_spots VALUES ('00000000-0000-0000-0000-000000000001'), ('00000000-0000-0000-0000-000000000002');
INSERT INTO w_things (id, title, code, remark, kind, pieces, rank, price, weight, made_on, packed_at, opened, lasts,
    serial, notes, tags, grid, sold, known, address, website, contact, slug, made_at, changed_at, maker_id, base_id,
    spot_id)
VALUES
    (1, 'Axe', 'a1', NULL, 'new', 1, NULL, NULL, 1.5, NULL, NULL, NULL, NULL, NULL, '{}', '{}', NULL, false, NULL, NULL,
     '', '', '', '2025-01-01T10:00Z', '2025-01-01T10:00Z', NULL, NULL, NULL),
    (2, 'bow tie', 'b2', 'a remark', 'used', 7, 4, 12.50, 0, '2025-02-03', '2025-02-03T04:05:06.789Z', '07:08:09',
     '1 day 00:00:05', '00000000-0000-0000-0000-00000000000b', '{"a": [1, null]}', '{b,"a, b"}', '{{1,NULL},{3,4}}',
     true, false, '::1', 'http://b.de/', 'b@b.de', 'b-2', '2025-01-02T10:00Z', '2025-01-02T10:00Z', 1, 1,
     '00000000-0000-0000-0000-000000000001'),
    (3, 'Axe%_', 'c3', '', 'lost', 0, -3, 0, 99, '2025-02-04', '2025-02-03T23:05:06Z', '00:00', '-1 day 23:59:55', NULL,
     '"text"', '{old}', '{}', true, true, '10.0.0.1', '', '', 'c', '2025-01-03T10:00Z', '2025-01-03T10:00Z', 2, NULL,
     NULL);
INSERT INTO w_things_labels (id, thing_id, label_id) VALUES (1, 2, 'red'), (2, 2, 'old'), (3, 3, 'big');
INSERT INTO w_parts (id, thing_id, name, pieces) VALUES (1, 2, 'b', 2), (2, 2, 'a', 1), (3, 3, 'c', 9);
INSERT INTO w_remarks (id, thing_id) VALUES (1, 2), (2, 3);
"""
# The next keys are the same on either side, and no row above has one of them: a link whose key is taken is left out.
_KEYS = ("w_makers", "w_things", "w_things_labels", "w_parts", "w_remarks")
FILL += "".join(f"SELECT setval('{table}_id_seq', 100);" for table in _KEYS)
# Rows of links too: in one process both stacks have sets in the same order.
_EVERY = (*(model._meta.db_table for model in MODELS), "w_things_labels")
ROWS = " UNION ALL ".join(
    f"SELECT '{table}', each::text FROM {table} AS each"  # noqa: S608 - tables of ours
    for table in _EVERY
)
