"""Values that the books' columns have by default or must keep to."""

import re

from django.core.exceptions import ValidationError
from django.db import models


class Condition(models.TextChoices):
    """How worn something is."""

    NEW = "new", "as new"
    WORN = "worn", "worn"
    LOST = "lost", "lost"


class Audience(models.IntegerChoices):
    """Who something is for, by the youngest age."""

    CHILDREN = 0
    TEENS = 12
    ADULTS = 18


def shelf_mark() -> str:
    """Where new things go until somebody has found a place for them."""
    return "NEW-0"


def validate_isbn(text: str) -> None:
    """Thirteen digits.

    :raises ValidationError: anything else.
    """
    if not re.fullmatch(r"\d{13}", text):
        raise ValidationError("Enter thirteen digits.")
