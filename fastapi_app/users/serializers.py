"""What users look like in requests and answers; names are folded as Django folds them, before they are checked."""

import unicodedata
from dataclasses import replace
from typing import Any

from fastapi_app.models import User
from fastapi_app.users.queries import user_stored
from strangler_fastapi.auth.hashing import verify_off_loop
from strangler_fastapi.auth.password_validation import password_problems
from strangler_fastapi.drf.fields.fields import CharField, ReadOnlyField, Scope
from strangler_fastapi.drf.fields.model_fields import model_field
from strangler_fastapi.drf.fields.text_fields import EmailField
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.errors import ValidationFailed


class UsernameField(CharField):
    """A username in Unicode's NFKC form (`AbstractBaseUser.normalize_username`)."""

    async def convert(self, value: Any, scope: Scope) -> str:  # noqa: ANN401 - whatever was sent
        """The folded name; one that is too long anyway stays as it is, for folding takes quadratic time."""
        name = await super().convert(value, scope)
        is_too_long = self.max_length is not None and len(name) > self.max_length
        return name if is_too_long else unicodedata.normalize("NFKC", name)


class NormalizedEmailField(EmailField):
    """An address with its domain in lower case (`BaseUserManager.normalize_email`)."""

    async def convert(self, value: Any, scope: Scope) -> str:  # noqa: ANN401 - whatever was sent
        """The folded address."""
        local, at, domain = (await super().convert(value, scope)).rpartition("@")
        return f"{local}{at}{domain.lower()}" if at else domain


class UserSerializer(Serializer):
    """A user's body; the password is held against the other values once all of them are good.

    With `is_own` who changes it is the user, and knows the old password: a token that somebody else has found is not
    enough.
    """

    is_own: bool = False

    async def validate(self, data: object, scope: Scope, *, partial: bool = False) -> dict[str, Any]:
        """See `Serializer.validate`."""
        cleaned = await super().validate(data, scope, partial=partial)
        old = cleaned.pop("old_password", None)
        if "password" in cleaned:
            stored = await _stored(scope) if partial or self.is_own else {}
            if self.is_own:
                await _require_old(old, stored["password"], scope)
            problems = password_problems(
                cleaned["password"],
                username=cleaned.get("username", stored.get("username", "")),
                email=cleaned.get("email", stored.get("email", "")),
            )
            if problems:
                raise ValidationFailed({"password": problems})
        return cleaned


class OwnUserSerializer(UserSerializer):
    """The body of a user who changes the own account."""

    is_own = True


async def _require_old(password: str | None, stored: str, scope: Scope) -> None:
    if password is None:
        raise ValidationFailed({"old_password": ["This field is required."]})
    # A hash takes a tenth of a second: the connection goes back to the pool meanwhile. Nothing was written yet.
    await scope.session.release()
    if not await verify_off_loop(password, stored):
        raise ValidationFailed({"old_password": ["Your old password was entered incorrectly. Please enter it again."]})


async def _stored(scope: Scope) -> dict[str, str]:
    row = await scope.session.execute(user_stored(scope.instance_id))
    return dict(row.mappings().one())


USER_SERIALIZER = UserSerializer(
    "User",
    {
        "id": model_field(User, "id", example=1),
        "username": model_field(User, "username", into=UsernameField, example="alice"),
        # v1 makes the field by hand, under the name that it has.
        "email": model_field(
            User, "email", into=NormalizedEmailField, label="Email", write_only=True, example="alice@example.com"
        ),
        "password": model_field(User, "password", trim=False, write_only=True, example="correct horse battery staple"),
        "old_password": CharField(
            required=False,
            max_length=128,
            trim=False,
            write_only=True,
            label="Old password",
            example="correct horse battery staple",
        ),
        "display_name": ReadOnlyField(type="string", example="@alice"),
        "created_at": model_field(User, "created_at"),
        "post_count": ReadOnlyField(type="integer", description="All posts, drafts included.", example=3),
    },
    description="A user as everybody sees it.",
)
OWN_SERIALIZER = OwnUserSerializer("User", USER_SERIALIZER.fields)
ME_SERIALIZER = UserSerializer(
    "Me",
    {**USER_SERIALIZER.fields, "email": replace(USER_SERIALIZER.fields["email"], write_only=False)},
    description="A user as the user sees it: with the e-mail.",
)
