"""Items of every plain kind of column, with a place and labels."""

import uuid

from django.conf import settings
from django.core.validators import FileExtensionValidator, MinValueValidator
from django.db import models


class Place(models.Model):
    name = models.CharField(max_length=40, unique=True)
    capacity = models.PositiveSmallIntegerField(default=10)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Label(models.Model):
    word = models.SlugField(max_length=20, unique=True)

    class Meta:
        ordering = ["-word"]


class Item(models.Model):
    class State(models.TextChoices):
        NEW = "new", "New"
        USED = "used", "Used"

    code = models.UUIDField(default=uuid.uuid4, unique=True)
    title = models.CharField(max_length=80)
    notes = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    price = models.DecimalField(max_digits=8, decimal_places=2, validators=[MinValueValidator(0)])
    weight = models.FloatField(null=True, blank=True)
    made_on = models.DateField(null=True, blank=True)
    opened_at = models.TimeField(null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)
    for_sale = models.BooleanField(default=True)
    place = models.ForeignKey(Place, models.CASCADE, related_name="items")
    lent_to = models.ForeignKey(Place, models.SET_NULL, null=True, blank=True, related_name="lent")
    labels = models.ManyToManyField(Label, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class Paper(models.Model):
    title = models.CharField(max_length=40)
    scan = models.FileField(upload_to="scans/%Y", validators=[FileExtensionValidator(["txt", "pdf"])])
    cover = models.ImageField(upload_to="covers", null=True, blank=True, width_field="width", height_field="height")
    width = models.IntegerField(null=True, editable=False)
    height = models.IntegerField(null=True, editable=False)

    class Meta:
        ordering = ["id"]


class Wish(models.Model):
    text = models.CharField(max_length=40)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    place = models.ForeignKey(Place, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["id"]
