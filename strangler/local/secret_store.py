"""Random secrets kept in files that only their owner reads."""

import os
import secrets
from pathlib import Path

from shared_schema.secrets import secret_weakness
from strangler.errors import UsageError
from strangler.settings import LocalSettings


class SecretStore:
    """A folder (0700) with one secret in each file (0600), made at the first read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str) -> str:
        """The secret of that name: 64 characters that need no quoting in a URL.

        :raises UsageError: the folder belongs to another user.
        """
        path = self.folder / name
        try:
            value = path.read_text(encoding="ascii").strip() if path.exists() else ""
            return value or self._make(path)
        except OSError as error:
            raise UsageError(f"{path} can't be read ({error.strerror})", "give it to the user who starts") from error

    def _make(self, path: Path) -> str:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        value = secrets.token_urlsafe(48)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(value)
        # An interrupted start must not leave a partial secret behind.
        draft.replace(path)
        return value


def secret_resolve(*, settings: LocalSettings, name: str, store: SecretStore) -> str:
    """The secret of that setting; if it is empty, in development a random one that `store` keeps.

    :raises UsageError: it is weak, or missing outside development.
    """
    given = str(getattr(settings, name))
    if not given and settings.is_development:
        return store.get(name)
    what = secret_weakness(given, production=not settings.is_development) if given else "missing"
    if what is None:
        return given
    hint = "set it to a random text, such as the output of openssl rand -base64 48"
    raise UsageError(f"{name.upper()} is {what}", hint)
