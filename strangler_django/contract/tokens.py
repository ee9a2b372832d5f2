"""The token settings of a project that signs its users in with simplejwt."""

from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

# As shared_schema.tokens.TokenSettings has them. No key is among them.
_NAMES = (
    "ACCESS_TOKEN_LIFETIME",
    "ALGORITHM",
    "AUDIENCE",
    "AUTH_HEADER_TYPES",
    "BLACKLIST_AFTER_ROTATION",
    "CHECK_REVOKE_TOKEN",
    "ISSUER",
    "JTI_CLAIM",
    "LEEWAY",
    "REFRESH_TOKEN_LIFETIME",
    "REVOKE_TOKEN_CLAIM",
    "ROTATE_REFRESH_TOKENS",
    "TOKEN_TYPE_CLAIM",
    "UPDATE_LAST_LOGIN",
    "USER_ID_CLAIM",
    "USER_ID_FIELD",
)
# Those of a project that uses other tokens than pairs.
_OF_SLIDING_TOKENS = ("SLIDING_TOKEN_LIFETIME", "SLIDING_TOKEN_REFRESH_EXP_CLAIM", "SLIDING_TOKEN_REFRESH_LIFETIME")
_UNUSUAL = ("AUTH_HEADER_NAME", "CHECK_USER_IS_ACTIVE", "JSON_ENCODER", "JWK_URL", "USER_AUTHENTICATION_RULE")
_USUAL_CLASSES = [["AccessToken", "access"]]


def token_settings() -> dict[str, Any] | None:
    """Simplejwt's settings by name in small letters, times in seconds; None where the project doesn't use it."""
    if find_spec("rest_framework_simplejwt") is None or not _is_used():
        return None
    # Imported late: a project without simplejwt has no such module.
    from rest_framework_simplejwt.settings import api_settings

    from strangler_django.tokens import TokenRefreshSerializer

    values = {name.lower(): _plain(getattr(api_settings, name)) for name in _NAMES}
    exchange = import_string(api_settings.TOKEN_REFRESH_SERIALIZER)
    values["revoke_token_family"] = issubclass(exchange, TokenRefreshSerializer)
    classes = [[each.__name__, each.token_type] for each in api_settings.AUTH_TOKEN_CLASSES]
    if classes != _USUAL_CLASSES:
        values["auth_token_classes"] = classes
        values |= {name.lower(): _plain(getattr(api_settings, name)) for name in _OF_SLIDING_TOKENS}
    return {name: value for name, value in values.items() if value is not None}


def _is_used() -> bool:
    """Whether simplejwt is set up, or an authenticator of its own is among the default ones: it need be no app."""
    apps = settings.INSTALLED_APPS
    if hasattr(settings, "SIMPLE_JWT") or any(app.startswith("rest_framework_simplejwt") for app in apps):
        return True
    if find_spec("rest_framework") is None or not hasattr(settings, "REST_FRAMEWORK"):
        return False
    from rest_framework.settings import api_settings
    from rest_framework_simplejwt.authentication import JWTAuthentication

    return any(issubclass(each, JWTAuthentication) for each in api_settings.DEFAULT_AUTHENTICATION_CLASSES)


def unusual_token_settings() -> dict[str, Any]:
    """Simplejwt's settings that aren't the contract's, as far as they are others than simplejwt's own.

    Of a function or class its path is told, of JWK_URL that there is one.
    """
    if token_settings() is None:
        return {}
    from rest_framework_simplejwt.settings import DEFAULTS, api_settings

    found: dict[str, Any] = {}
    for name in _UNUSUAL:
        value = getattr(api_settings, name, DEFAULTS.get(name))
        if isinstance(value, type) or callable(value):
            value = f"{value.__module__}.{value.__qualname__}"
        if value != DEFAULTS.get(name):
            found[name.lower()] = True if name == "JWK_URL" else value
    return found


def is_signed_by_secret_key() -> bool:
    """Whether tokens are signed by SECRET_KEY, as simplejwt does where SIGNING_KEY isn't set."""
    if token_settings() is None:
        return False
    from rest_framework_simplejwt.settings import api_settings

    return bool(api_settings.SIGNING_KEY == settings.SECRET_KEY)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any setting
    if isinstance(value, timedelta):
        return value.total_seconds()
    return list(value) if isinstance(value, tuple | set) else value
