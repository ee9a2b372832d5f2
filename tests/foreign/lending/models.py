"""Who borrows what, and where."""

from datetime import date, time

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, IntegerRangeField, RangeOperators
from django.core.validators import MaxValueValidator, MinLengthValidator, ProhibitNullCharactersValidator
from django.db import models
from django.db.models import Deferrable, F, Q

from tests.foreign.books.models import Dated, Item


def oldest_member() -> int | None:
    """Who takes over what belonged to somebody who left."""
    return Member.objects.order_by("pk").values_list("pk", flat=True).first()


class Branch(models.Model):
    """A house of the library; its name is its key."""

    name = models.CharField(max_length=40, primary_key=True)
    phone = models.CharField(max_length=30, blank=True)


class Shelf(models.Model):
    """A shelf of a branch; two don't overlap."""

    branch = models.ForeignKey(Branch, models.CASCADE, related_name="shelves")
    places = IntegerRangeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="shelf_places",
                expressions=[("places", RangeOperators.OVERLAPS)],
                condition=Q(branch="main"),
            ),
        ]


class Opening(models.Model):
    """When a branch is open; a key of two columns."""

    pk = models.CompositePrimaryKey("weekday", "branch_id")
    branch = models.ForeignKey(Branch, models.CASCADE, related_name="openings")
    weekday = models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)])
    opens = models.TimeField(default=time(9, 30))
    since = models.DateField(default=date(2020, 1, 31))
    seal = models.BinaryField(default=b"\x00\xff")
    stamp = models.BinaryField()


class Copy(models.Model):
    """One of an item's copies.

    A branch takes its shelves and copies along, though a shelf with copies on it stays (RESTRICT).
    """

    item = models.ForeignKey(Item, models.PROTECT, related_name="copies")
    branch = models.ForeignKey(Branch, models.CASCADE, related_name="copies")
    shelf = models.ForeignKey(Shelf, models.RESTRICT, related_name="copies", null=True)
    number = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="copy_number", deferrable=Deferrable.DEFERRED),
        ]


class Member(Dated):
    """Somebody who may borrow; others know them by the card's number."""

    card = models.CharField(max_length=12, unique=True, validators=[MinLengthValidator(4)])
    email = models.EmailField(unique=True, null=True, blank=True, error_messages={"unique": "Somebody has that."})
    address = models.GenericIPAddressField(null=True, blank=True)
    website = models.URLField(blank=True)
    is_blocked = models.BooleanField(null=True, blank=True)
    home = models.ForeignKey(Branch, models.SET_DEFAULT, default="main", related_name="members")
    deputy = models.ForeignKey("self", models.SET(oldest_member), null=True, blank=True, related_name="deputy_of")
    follows = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="followers")
    wishes = models.ManyToManyField(Item, through="Wish", related_name="wished_by")

    class Meta:
        db_table_comment = "Nobody is removed before their last loan is back."


class Wish(Dated):
    """That a member would like to read an item, and how much."""

    member = models.ForeignKey(Member, models.CASCADE)
    item = models.ForeignKey(Item, models.CASCADE)
    weight = models.FloatField(default=0.5)
    remark = models.TextField(blank=True, validators=[ProhibitNullCharactersValidator()])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "item"], name="wish_once")]


class Loan(models.Model):
    """A copy that a member has for a while."""

    copy = models.ForeignKey(Copy, models.PROTECT, related_name="loans")
    member = models.ForeignKey(Member, models.PROTECT, to_field="card", related_name="loans")
    branch = models.ForeignKey(Branch, models.SET("main"), related_name="loans")
    renewed_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    during = DateRangeField()
    fetched_at = models.TimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["member", "-during"], name="loan_of_member")]
        constraints = [models.CheckConstraint(condition=~Q(renewed_from=F("id")), name="loan_not_its_own")]


class Reading(models.Model):
    """That something was read in the house; it may be gone."""

    item = models.ForeignKey(Item, models.DO_NOTHING, db_constraint=False, related_name="readings")
    shelf = models.ForeignKey(Shelf, models.DO_NOTHING, null=True, related_name="readings")
    at = models.DateTimeField(auto_now=True)


class OrderItem(models.Model):
    """Something that was ordered, in a table from before Django."""

    select = models.BooleanField(default=False)
    unit_price = models.DecimalField("price", db_column="Unit Price", max_digits=10, decimal_places=4, null=True)
    ordered_by = models.ForeignKey(Member, models.SET_NULL, null=True, db_column="Ordered By")
    percent = models.IntegerField(db_column="Off, in parts of 100", db_default=0)

    class Meta:
        db_table = "Order Items"
        indexes = [models.Index(fields=["-unit_price"], name="Order Items Price")]


class LegacyAccount(models.Model):
    """A table that another program makes and changes."""

    number = models.BigIntegerField(primary_key=True)
    owner = models.CharField(max_length=80, db_column="Owner")
    member = models.ForeignKey(Member, models.SET_NULL, null=True, blank=True)

    class Meta:
        managed = False
        db_table = "legacy_accounts"
