"""The table `users`."""

# ruff: noqa: D106 - Meta is Django's word, the same in every model and serializer

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.validators import MinLengthValidator
from django.db import models

USERNAME_MIN_LENGTH = 3
USERNAME_MAX_LENGTH = 50
USERNAME_TAKEN = "A user with that username already exists."


class User(AbstractUser):
    """Somebody with an account. `is_staff` may change other users and tags, and open the admin."""

    username = models.CharField(
        max_length=USERNAME_MAX_LENGTH,
        unique=True,
        validators=[UnicodeUsernameValidator(), MinLengthValidator(USERNAME_MIN_LENGTH)],
        error_messages={"unique": USERNAME_TAKEN},
    )
    email = models.EmailField("email address", unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(AbstractUser.Meta):
        db_table = "users"

    @property
    def display_name(self) -> str:
        """How the user is addressed."""
        return f"@{self.username}"
