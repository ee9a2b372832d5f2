"""A sign-in by name in which an unknown name takes as long as a known one: put it into AUTHENTICATION_BACKENDS."""

from typing import Any

from django.contrib.auth import backends, get_user_model
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest


class EvenModelBackend(backends.ModelBackend):
    """Checks the password of an unknown name against the hash of the next name that is known, and refuses it.

    Django takes its preferred hasher's time for it, and so tells apart whoever has a hash of another algorithm, which
    may take three times as long.
    """

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - as Django calls it
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> AbstractBaseUser | None:
        """The user; see Django."""
        model = get_user_model()
        name = kwargs.get(model.USERNAME_FIELD) if username is None else username
        if name is None or password is None:
            return None
        users = model._default_manager  # noqa: SLF001 - as Django's own backend
        try:
            user = users.get_by_natural_key(name)
        except model.DoesNotExist:
            hashes = users.order_by(model.USERNAME_FIELD).values_list("password", flat=True)
            later = hashes.filter(**{f"{model.USERNAME_FIELD}__gte": name})
            # Behind the last name comes the first one: else its time would tell that it is behind the last.
            _matches(password, later.first() or hashes.first() or "")
            return None
        return user if _matches(password, user) and self.user_can_authenticate(user) else None


def _matches(password: str, stored: AbstractBaseUser | str) -> bool:
    try:
        return check_password(password, stored) if isinstance(stored, str) else stored.check_password(password)
    except ValueError:
        # Malformed, or its hasher's library is not installed: wrong, and after the time of a good one.
        make_password("of nobody")
        return False
