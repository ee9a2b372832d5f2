"""What users look like in requests and responses."""

# ruff: noqa: D106 - Meta is Django's word, the same in every model and serializer

from typing import Any

from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from django_app.accounts.models import USERNAME_MAX_LENGTH, USERNAME_MIN_LENGTH, USERNAME_TAKEN, User

PASSWORD_MAX_LENGTH = 128
# Django's own words (`django.contrib.auth.forms.PasswordChangeForm`).
OLD_PASSWORD_WRONG = "Your old password was entered incorrectly. Please enter it again."  # noqa: S105 - a sentence
MIN_POSTS_DEFAULT = 5
INTEGER_MAX = 2**31 - 1


class UsernameField(serializers.CharField):
    """Folds to NFKC before validating, as `create_user` does: else two spellings of a name meet in the database."""

    def to_internal_value(self, data: object) -> str:
        """The folded name; one that is too long anyway stays as it is, for folding takes quadratic time."""
        name = super().to_internal_value(data)
        return name if len(name) > USERNAME_MAX_LENGTH else User.normalize_username(name)


class NormalizedEmailField(serializers.EmailField):
    """Lowers the domain before validating, as `create_user` stores it, for the same reason."""

    def to_internal_value(self, data: object) -> str:
        """The address with its domain in lower case."""
        return User.objects.normalize_email(super().to_internal_value(data))


def _email_field(*, write_only: bool) -> NormalizedEmailField:
    taken = UniqueValidator(queryset=User.objects.all(), message="user with this email address already exists.")
    return NormalizedEmailField(max_length=254, validators=[taken], write_only=write_only)


class UserSerializer(serializers.ModelSerializer):
    """A user as everybody sees it; e-mail and password are only ever received."""

    username = UsernameField(
        min_length=USERNAME_MIN_LENGTH,
        max_length=USERNAME_MAX_LENGTH,
        validators=[
            UnicodeUsernameValidator(),
            UniqueValidator(queryset=User.objects.all(), message=USERNAME_TAKEN),
        ],
    )
    email = _email_field(write_only=True)
    password = serializers.CharField(
        max_length=PASSWORD_MAX_LENGTH, write_only=True, trim_whitespace=False, style={"input_type": "password"}
    )
    old_password = serializers.CharField(
        max_length=PASSWORD_MAX_LENGTH,
        write_only=True,
        required=False,
        trim_whitespace=False,
        style={"input_type": "password"},
    )
    display_name = serializers.CharField(read_only=True)
    post_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = User
        fields = ("id", "username", "email", "password", "old_password", "display_name", "created_at", "post_count")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Apply AUTH_PASSWORD_VALIDATORS, which compare the password with the other values, so after those.

        Who changes their own password knows the old one: a token that somebody else has found is not enough.
        """
        old = attrs.pop("old_password", None)
        if "password" in attrs:
            if self.instance is not None and self.instance.pk == self.context["request"].user.pk:
                self._require_old(old)
            candidate = User(
                username=attrs.get("username", getattr(self.instance, "username", "")),
                email=attrs.get("email", getattr(self.instance, "email", "")),
            )
            try:
                validate_password(attrs["password"], user=candidate)
            except DjangoValidationError as error:
                raise serializers.ValidationError({"password": error.messages}) from error
        return attrs

    def _require_old(self, password: str | None) -> None:
        if password is None:
            raise serializers.ValidationError({"old_password": ["This field is required."]})
        if not check_password(password, self.instance.password):
            raise serializers.ValidationError({"old_password": [OLD_PASSWORD_WRONG]})


class MeSerializer(UserSerializer):
    """A user as the user sees it: with the e-mail."""

    email = _email_field(write_only=False)


class ActiveUsersQuerySerializer(serializers.Serializer):
    """The query of `users/active/`."""

    min_posts = serializers.IntegerField(
        default=MIN_POSTS_DEFAULT, min_value=0, max_value=INTEGER_MAX, help_text="The least number of posts."
    )
