"""The table of what throttles have counted."""

# ruff: noqa: D106 - Meta is Django's word, the same in every model

from django.contrib.postgres.fields import ArrayField
from django.db import models

from shared_schema.throttling import TABLE


class ThrottleHistory(models.Model):
    """The moments of the requests that one throttle has counted of one caller, the latest first."""

    cache_key = models.CharField(max_length=200, primary_key=True)
    history = ArrayField(models.DateTimeField())
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = TABLE

    def __str__(self) -> str:
        """For people."""
        return f"{len(self.history)} until {self.expires:%H:%M:%S}"
