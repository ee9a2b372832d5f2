"""What was done, in a schema of its own."""

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models

from tests.foreign.lending.models import Member


class Entry(models.Model):
    """One thing that was done to another."""

    id = models.BigAutoField(primary_key=True)
    actor = models.ForeignKey(Member, models.CASCADE, related_name="entries")
    seen_by = models.ManyToManyField(Member, related_name="seen_entries", blank=True)
    cause = models.ForeignKey("self", models.RESTRICT, null=True, blank=True, related_name="effects")
    content_type = models.ForeignKey(ContentType, models.SET_NULL, null=True)
    object_id = models.CharField(max_length=64)
    about = GenericForeignKey("content_type", "object_id", for_concrete_model=False)
    verb = models.CharField(max_length=20, db_index=True, db_default="saw")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # Quotes of one's own are how a Django model names a schema.
        db_table = '"audit"."entries"'
        constraints = [models.UniqueConstraint(fields=["actor", "at"], name="entry_once")]
