"""The table of attempts."""

# ruff: noqa: D106 - Meta is Django's word, the same in every model

from django.db import models


class SignInAttempts(models.Model):
    """Attempts to sign in by one name (`shared_schema.sign_in.attempt_digest`) since the first that failed."""

    digest = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    since = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "strangler_sign_in_attempts"

    def __str__(self) -> str:
        """For people."""
        return f"{self.count} since {self.since:%H:%M:%S}"
