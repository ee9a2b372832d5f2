"""What the library has: items, of which some are books, of which some are audio books."""

import uuid
from datetime import timedelta
from decimal import Decimal

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Lower, Now, Upper

from tests.foreign.books.fields import Audience, Condition, shelf_mark, validate_isbn


class Dated(models.Model):
    """When a row was made and last saved."""

    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Language(models.Model):
    """A language; its code tells it from others."""

    code = models.CharField(max_length=8, primary_key=True, validators=[RegexValidator(r"^[a-z]{2,8}$", flags=0)])
    name = models.CharField(max_length=50, unique=True, db_collation="C")


class Publisher(Dated):
    """Who publishes; one may belong to another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, db_index=True, db_comment="As it stands on the cover.")
    slug = models.SlugField(allow_unicode=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="imprints")

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="publisher_name_any_case"),
            models.UniqueConstraint(fields=["slug", "parent"], name="publisher_slug", nulls_distinct=False),
        ]


class Subject(models.Model):
    """What something is about; a tree, with links across it."""

    name = models.CharField(max_length=100)
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    related = models.ManyToManyField("self", blank=True)

    class Meta:
        unique_together = [("parent", "name")]


class Note(models.Model):
    """What somebody wrote about anything; it goes with that."""

    text = models.TextField()
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.CharField(max_length=64)
    about = GenericForeignKey("content_type", "object_id")

    class Meta:
        indexes = [models.Index(fields=["content_type", "object_id"])]


class Item(Dated):
    """Anything that can be had from the library."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=200, verbose_name="title on the cover")
    language = models.ForeignKey(Language, models.PROTECT, related_name="items")
    publisher = models.ForeignKey(Publisher, models.CASCADE, null=True, blank=True, related_name="items")
    subjects = models.ManyToManyField(Subject, blank=True, related_name="items")
    replaces = models.OneToOneField("self", models.SET_NULL, null=True, blank=True, related_name="replaced_by")
    mark = models.CharField(max_length=20, default=shelf_mark)
    condition = models.CharField(max_length=4, choices=Condition, default=Condition.NEW)
    audience = models.PositiveSmallIntegerField(choices=Audience, default=Audience.ADULTS)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("9.90"))
    loan_time = models.DurationField(default=timedelta(days=28))
    published_on = models.DateField(null=True, blank=True)
    added_at = models.DateTimeField(db_default=Now())
    rank = models.IntegerField(db_default=7, validators=[MinValueValidator(0), MaxValueValidator(100)])
    facts = models.JSONField(default=dict, blank=True)
    keywords = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    cover = models.BinaryField(null=True, blank=True, max_length=1_000_000)
    notes = GenericRelation(Note)

    class Meta:
        ordering = ["-created_at", "title"]
        indexes = [
            models.Index(fields=["-created_at", "title"], name="item_newest"),
            models.Index(fields=["language"], name="item_in_print", condition=~Q(condition=Condition.LOST)),
            models.Index(Upper("title"), F("published_on").desc(nulls_last=True), name="item_by_title"),
            models.Index(fields=["mark"], name="item_mark", include=["condition"]),
            GinIndex(fields=["keywords"], name="item_keywords"),
            GinIndex(fields=["facts"], name="item_facts", opclasses=["jsonb_path_ops"]),
            BrinIndex(fields=["added_at"], name="item_added"),
        ]
        constraints = [models.CheckConstraint(condition=Q(price__gte=0) | Q(price=-1), name="item_price")]


class Book(Item):
    """An item with pages."""

    isbn = models.CharField(max_length=13, unique=True, validators=[validate_isbn])
    pages = models.PositiveIntegerField(default=0)
    spine = models.GeneratedField(
        expression=Concat(Upper("isbn"), Value(" 100% "), "pages", output_field=models.TextField()),
        output_field=models.TextField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pages"], condition=Q(isbn__startswith="000"), name="book_pages", include=["isbn"]
            ),
        ]


class AudioBook(Book):
    """A book that somebody reads aloud; it is an item two levels up."""

    minutes = models.PositiveIntegerField()
    voice = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - the project has such columns too

    class Meta:
        indexes = [models.Index(OpClass(Lower("voice"), name="varchar_pattern_ops"), name="audio_book_voice")]


class WornBook(Book):
    """A book as the repair shop sees it: the same rows, other methods."""

    class Meta:
        proxy = True
        ordering = ["condition"]


class Popularity(models.Model):
    """How often something was borrowed: a view."""

    item = models.OneToOneField(Item, models.DO_NOTHING, primary_key=True, related_name="popularity")
    loans = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "books_popularity"
