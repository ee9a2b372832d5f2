"""What a user's body may hold, folded as Django folds it before it is checked or stored."""

import unicodedata
from typing import Any, ClassVar

from fastapi_app.drf.errors import ValidationFailed
from fastapi_app.drf.inputs import CharField, Input, Scope, Shown, Validator
from fastapi_app.drf.validators import NO_EMAIL, Unique, email_address, username_characters
from fastapi_app.users.passwords import password_problems
from fastapi_app.users.queries import user_stored
from shared_schema.models import User


class UsernameField(CharField):
    """A username in Unicode's NFKC form (`AbstractBaseUser.normalize_username`)."""

    async def convert(self, value: Any, scope: Scope) -> str:  # noqa: ANN401 - whatever was sent
        """The folded name."""
        return unicodedata.normalize("NFKC", await super().convert(value, scope))


class EmailField(CharField):
    """An address with its domain in lower case (`BaseUserManager.normalize_email`)."""

    kind: ClassVar[str] = "email"
    refusal: ClassVar[str] = NO_EMAIL

    async def convert(self, value: Any, scope: Scope) -> str:  # noqa: ANN401 - whatever was sent
        """The folded address."""
        local, at, domain = (await super().convert(value, scope)).rpartition("@")
        return f"{local}{at}{domain.lower()}" if at else domain

    def limits(self) -> tuple[Validator, ...]:
        """The text's, then the address's."""
        return (*super().limits(), email_address)


class UserInput(Input):
    """A user's body; the password is held against the other values once all of them are good."""

    async def validate(self, data: object, scope: Scope, *, partial: bool = False) -> dict[str, Any]:
        """See `Input.validate`."""
        cleaned = await super().validate(data, scope, partial=partial)
        if "password" in cleaned:
            stored = await _stored(scope) if partial else {}
            problems = password_problems(
                cleaned["password"],
                username=cleaned.get("username", stored.get("username", "")),
                email=cleaned.get("email", stored.get("email", "")),
            )
            if problems:
                raise ValidationFailed({"password": problems})
        return cleaned


async def _stored(scope: Scope) -> dict[str, str]:
    row = await scope.session.execute(user_stored(scope.instance_id))
    return dict(row.mappings().one())


USER_INPUT = UserInput(
    {
        "id": Shown(shown_as="integer", label="ID"),
        "username": UsernameField(
            min_length=3,
            max_length=50,
            validators=(username_characters, Unique(User, "username", "A user with that username already exists.")),
        ),
        "email": EmailField(
            max_length=254,
            validators=(Unique(User, "email", "user with this email address already exists."),),
        ),
        "password": CharField(max_length=128, trim=False),
        "display_name": Shown(shown_as="string"),
        "created_at": Shown(shown_as="datetime"),
        "post_count": Shown(shown_as="integer"),
    }
)
