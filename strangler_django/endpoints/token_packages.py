"""Settings of packages whose tokens stand in a table of their own: django-oauth-toolkit and django-rest-knox."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import hashlib
from typing import Any, Final

from django.apps import apps
from django.db.models import Manager

OAUTH_TOOLKIT: Final = "oauth2_provider"
KNOX: Final = "knox"
_OAUTHLIB: Final = "oauthlib"
# What decides whether a token is accepted, by what has it.
_VALIDATOR: Final = (
    *("__init__", "validate_bearer_token", "_load_access_token", "_set_oauth2_error_on_request"),
    *("validate_jwt_bearer_token", "validate_id_token"),
)
_TOKEN: Final = ("is_valid", "is_expired", "allow_scopes", "allows_audience", "scopes", "from_db", "__init__")
_APPLICATION: Final = ("is_usable", "from_db", "__init__")
_BACKEND: Final = "oauth2_provider.oauth2_backends.OAuthLibCore"
_INTROSPECTED: Final = ("RESOURCE_SERVER_AUTH_TOKEN", "RESOURCE_SERVER_INTROSPECTION_CREDENTIALS")
_SAMPLE: Final = "00ff" * 16


def oauth_settings() -> dict[str, Any] | None:
    """Those of django-oauth-toolkit that say who calls; None where the project doesn't have it.

    `table` is that of access tokens, `gap` why they can't be read elsewhere as they are here.
    """
    if not apps.is_installed(OAUTH_TOOLKIT):
        return None
    # Imported late: a project without the package has no such module.
    from oauth2_provider.models import get_access_token_model, get_application_model
    from oauth2_provider.settings import oauth2_settings

    token = get_access_token_model()
    return {
        "table": token._meta.db_table,
        "query_tokens": not _setting("COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT"),
        "id_tokens": bool(_setting("OIDC_ENABLED")),
        "gap": _oauth_gap(token, get_application_model(), oauth2_settings),
    }


def is_access_token(cls: Any) -> bool:  # noqa: ANN401 - whatever code names
    """Whether a class is that of django-oauth-toolkit's access tokens."""
    if not isinstance(cls, type) or not apps.is_installed(OAUTH_TOOLKIT):
        return False
    from oauth2_provider.models import get_access_token_model

    return cls is get_access_token_model()


def scope_settings() -> tuple[str, str, bool]:
    """The scopes of reading and of writing, and whether refusals list scopes."""
    from oauth2_provider.settings import oauth2_settings

    return oauth2_settings.READ_SCOPE, oauth2_settings.WRITE_SCOPE, bool(_setting("ERROR_RESPONSE_WITH_SCOPES"))


def knox_settings() -> dict[str, Any] | None:
    """Those of django-rest-knox that say who calls; None where the project doesn't have it.

    `digest` is the name of the algorithm, and `hexadecimal` says that a token's bytes are digested, and not its text.
    """
    if not apps.is_installed(KNOX):
        return None
    from knox.models import AuthToken
    from knox.settings import CONSTANTS
    from knox.settings import knox_settings as given

    try:
        from knox.models import get_token_model
    except ImportError:
        token = AuthToken
    else:
        token = get_token_model()
    digest, is_hexadecimal = _digest()
    gap = None
    if digest is None:
        gap = f"tokens are digested by {given.SECURE_HASH_ALGORITHM}"
    elif given.AUTO_REFRESH:
        gap = "AUTO_REFRESH has each request write when its token expires"
    elif _own(token, ("from_db", "__init__")) or _has_own_manager(token):
        gap = f"{token.__qualname__} is your own"
    return {
        "table": token._meta.db_table,
        "keyword": given.AUTH_HEADER_PREFIX,
        "key_length": CONSTANTS.TOKEN_KEY_LENGTH,
        "digest": digest or "",
        "hexadecimal": is_hexadecimal,
        "gap": gap,
    }


def _digest() -> tuple[str | None, bool]:
    """What a token's digest is made by, as a sample of one shows."""
    from knox.crypto import hash_token

    try:
        found = hash_token(_SAMPLE)
    except Exception:  # noqa: BLE001 - an algorithm of the project's own
        return None, False
    for name in sorted(hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}):
        for is_hexadecimal, value in ((False, _SAMPLE.encode()), (True, bytes.fromhex(_SAMPLE))):
            if hashlib.new(name, value, usedforsecurity=False).hexdigest() == found:
                return name, is_hexadecimal
    return None, False


def _setting(name: str) -> Any:  # noqa: ANN401 - any setting
    """A setting of django-oauth-toolkit; older versions have not all of them."""
    from oauth2_provider.settings import oauth2_settings

    return getattr(oauth2_settings, name, None)


def _oauth_gap(token: Any, application: Any, settings: Any) -> str | None:  # noqa: ANN401 - model classes
    if settings.RESOURCE_SERVER_INTROSPECTION_URL and any(map(_setting, _INTROSPECTED)):
        return "tokens are looked up at RESOURCE_SERVER_INTROSPECTION_URL"
    backend, server, validator = (
        settings.OAUTH2_BACKEND_CLASS,
        settings.OAUTH2_SERVER_CLASS,
        settings.OAUTH2_VALIDATOR_CLASS,
    )
    if f"{backend.__module__}.{backend.__qualname__}" != _BACKEND:
        return f"requests are read by {backend.__module__}.{backend.__qualname__}"
    if not server.__module__.startswith(f"{_OAUTHLIB}."):
        return f"requests are read by {server.__module__}.{server.__qualname__}"
    for cls, names in ((validator, _VALIDATOR), (token, _TOKEN), (application, _APPLICATION)):
        if own := _own(cls, names):
            return f"{cls.__qualname__}.{own} is your own"
    return f"{token.__qualname__} has a manager of your own" if _has_own_manager(token) else None


def _own(cls: type, names: tuple[str, ...]) -> str | None:
    """The first of these that isn't the packages', nor Django's."""
    for name in names:
        owner = next((each for each in cls.__mro__ if name in vars(each)), object)
        if owner.__module__.partition(".")[0] not in (OAUTH_TOOLKIT, _OAUTHLIB, KNOX, "django", "builtins"):
            return name
    return None


def _has_own_manager(model: Any) -> bool:  # noqa: ANN401 - a model class
    kind = type(model.objects)
    return kind is not Manager and kind.__module__.partition(".")[0] not in (OAUTH_TOOLKIT, KNOX)
