"""The endpoints of a project as one sorted document."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import django
import rest_framework
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher
from django.core.files.storage import FileSystemStorage
from django.urls import get_resolver
from django.utils.module_loading import import_string
from django.views.defaults import page_not_found
from rest_framework.settings import DEFAULTS, api_settings

from strangler_django.contract.tokens import is_signed_by_secret_key, unusual_token_settings
from strangler_django.endpoints.addresses import root_addresses
from strangler_django.endpoints.code.own_models import own_sign_in, own_users
from strangler_django.endpoints.exception_handlers import exception_handler_facts
from strangler_django.endpoints.path_views import view_class, view_methods, view_name
from strangler_django.endpoints.permissions.permission_backends import other_permissions
from strangler_django.endpoints.resolver import PathParameter, ResolvedPath, resolved_paths
from strangler_django.endpoints.token_packages import knox_settings, oauth_settings
from strangler_django.endpoints.views import unread_facts, view_facts

FORMAT: Final = 1
# Views that are no endpoint of an API: Django's own, and tools of its developers.
_NO_ENDPOINTS: Final = ("django.contrib.", "django.views.", "debug_toolbar.")

_ADMIN_FORM: Final = "django.contrib.admin.sites.AdminSite.login"
_CORS: Final = (
    *("CORS_ALLOW_ALL_ORIGINS", "CORS_ALLOWED_ORIGINS", "CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ALLOW_CREDENTIALS"),
    *("CORS_ALLOW_PRIVATE_NETWORK", "CORS_ALLOW_HEADERS", "CORS_ALLOW_METHODS", "CORS_EXPOSE_HEADERS"),
    *("CORS_PREFLIGHT_MAX_AGE", "CORS_URLS_REGEX"),
)
_KNOWN_HANDLERS: Final = ("rest_framework.", "strangler_django.")
_STANDARD: Final = ("django.", "corsheaders.")
# What each of them is made of says nothing.
_NO_MIDDLEWARE: Final = ("django.utils.deprecation.MiddlewareMixin",)
_COOKIE: Final = ("NAME", "AGE", "PATH", "DOMAIN", "SECURE", "HTTPONLY", "SAMESITE")
_TOKEN_COOKIE: Final = (
    *("JWT_AUTH_COOKIE", "JWT_AUTH_COOKIE_USE_CSRF", "JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED"),
)
_SESSION: Final = ("ENGINE", "SAVE_EVERY_REQUEST", "EXPIRE_AT_BROWSER_CLOSE", *(f"COOKIE_{name}" for name in _COOKIE))
_CSRF: Final = ("USE_SESSIONS", "HEADER_NAME", *(f"COOKIE_{name}" for name in _COOKIE))
_SECURE: Final = (
    *("CONTENT_TYPE_NOSNIFF", "REFERRER_POLICY", "CROSS_ORIGIN_OPENER_POLICY"),
    *("HSTS_SECONDS", "HSTS_INCLUDE_SUBDOMAINS", "HSTS_PRELOAD"),
)
_UNFOLLOWED: Final = (
    *("COERCE_BIGINT_TO_STRING", "DEFAULT_CONTENT_NEGOTIATION_CLASS", "DEFAULT_METADATA_CLASS"),
    *("STRICT_JSON", "UNAUTHENTICATED_TOKEN", "UNAUTHENTICATED_USER", "UPLOADED_FILES_USE_URL", "URL_FORMAT_OVERRIDE"),
)
# Where they are set at all.
_UNFOLLOWED_DJANGOS: Final = ("SECURE_SSL_REDIRECT", "PREPEND_WWW", "DISALLOWED_USER_AGENTS")
# Before the last @ of an address, since clients read one up to there, or in its query.
_PASSWORD: Final = re.compile(r"(?<=//)[^/\s]*@|(?<=password=)[^&\s'\"]+", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\{[^{}]*\}")
# Of a view that can't be made: nobody knows what it asks of callers.
_UNKNOWN: Final = dict.fromkeys(
    ("authenticators", "permissions", "throttles", "renderers", "parsers", "own_filters", "elsewhere")
)
# What a view gets for the parameters of its path.
_SAMPLES: Final = {"int": 1, "uuid": UUID(int=0)}


def endpoints_text() -> str:
    """The endpoints as sorted JSON, which ends with a line feed."""
    document = {
        "format": FORMAT,
        "django": django.get_version(),
        "rest_framework": rest_framework.VERSION,
        "settings": _settings(),
        "login_forms": list(_login_forms()),
        "suffixed": [path.path for path in resolved_paths(get_resolver().url_patterns) if _is_suffixed(path)],
        "endpoints": list(_endpoints()),
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _endpoints() -> Iterator[dict[str, Any]]:
    taken: set[tuple[Any, ...]] = set()
    seen: set[tuple[str, str]] = set()
    for path in resolved_paths(get_resolver().url_patterns):
        if view_name(path.view).startswith(_NO_ENDPOINTS):
            continue
        if _is_suffixed(path):
            continue  # the same view as its path without `.json`
        # The resolver takes the first; a later one is never called, whatever methods it has.
        place = _VARIABLE.sub("{}", path.path), *(each.pattern for each in path.parameters)
        if place in taken:
            continue
        taken.add(place)
        for facts in _of_path(path):
            key = (facts["method"], facts["path"])
            if key not in seen:
                seen.add(key)
                yield facts


def _is_suffixed(path: ResolvedPath) -> bool:
    """Whether a path is another's with a format suffix (`format_suffix_patterns`), whose view has the format's name."""
    name = api_settings.FORMAT_SUFFIX_KWARG
    kinds = (each.kind for each in path.parameters if each.name == name)
    return f"\\.{{{name}}}" in path.path or "formatsuffix" in kinds


def _login_forms() -> Iterator[dict[str, str]]:
    """The forms that browsers sign in by, with the field of the user's name: Django's own, allauth's, the admin's."""
    for path in resolved_paths(get_resolver().url_patterns):
        if view_name(path.view) == _ADMIN_FORM:
            yield {"path": path.path, "view": _ADMIN_FORM, "user": "username"}
        view = getattr(path.view, "view_class", None)
        form = getattr(view, "form_class", None)
        if path.parameters or view is None or form is None or view.__name__ != "LoginView":
            continue
        user = "login" if view.__module__.startswith("allauth.") else "username"
        yield {"path": path.path, "view": view_name(path.view), "user": user}


def _of_path(path: ResolvedPath) -> Iterator[dict[str, Any]]:
    facts: dict[str, Any] = {
        "path": path.path,
        "name": path.name,
        "optional_slash": path.optional_slash,
        "parameters": [_parameter(each) for each in path.parameters],
        "format_parameter": any(each.name == api_settings.FORMAT_SUFFIX_KWARG for each in path.parameters),
        "view": view_name(path.view),
        "root": root_addresses(path.view, path.name) if not path.parameters else None,
        "csrf_exempt": bool(getattr(path.view, "csrf_exempt", False)),
    }
    if view_class(path.view) is None:
        methods = view_methods(path.view) or {"any": None}
        yield from ({**facts, "method": method.upper(), "kind": "django"} for method in methods)
        return
    values = {each.name: _SAMPLES.get(each.kind, "1") for each in path.parameters}
    for method, action in view_methods(path.view).items():
        kind = "viewset" if getattr(path.view, "actions", None) else "view"
        found: dict[str, Any]
        try:
            found = view_facts(path.view, method, action, values, path.namespace)
        except Exception as error:  # noqa: BLE001 - of a thousand views one may fail without a real request
            found = {"action": action, "unread": [unread_facts(error, "view")], **_UNKNOWN}
        yield {**facts, "method": method.upper(), "kind": kind, **found}


def _parameter(parameter: PathParameter) -> dict[str, str]:
    found = {"name": parameter.name, "kind": parameter.kind, "pattern": parameter.pattern}
    return found | ({"converter": parameter.converter} if parameter.converter else {})


def _unfollowed() -> dict[str, str]:
    """Settings that the library goes without, as far as they are others than DRF's and Django's own."""
    # An older DRF has fewer.
    given = {name: _named(getattr(api_settings, name)) for name in _UNFOLLOWED if name in DEFAULTS}
    not_found = get_resolver().resolve_error_handler(404)
    return {
        **({} if not_found is page_not_found else {"handler404": view_name(not_found)}),
        **{name: value for name, value in given.items() if value != str(DEFAULTS[name])},
        **{name: str(getattr(settings, name)) for name in _UNFOLLOWED_DJANGOS if getattr(settings, name)},
    }


def _path_of(function: Any) -> str:  # noqa: ANN401 - any callable
    return f"{function.__module__}.{getattr(function, '__name__', type(function).__name__)}"


def _own_exception_handler() -> dict[str, Any] | None:
    """What words errors; None where it is DRF's own."""
    handler = api_settings.EXCEPTION_HANDLER
    return None if handler.__module__.startswith(_KNOWN_HANDLERS) else exception_handler_facts(handler)


def _named(value: Any) -> str:  # noqa: ANN401 - a class or a constant
    return f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else str(value)


def _standard_middleware() -> list[str]:
    """MIDDLEWARE, a class of the project's own under the name of the one of Django's that it is made of."""
    return [_standard(str(name), import_string(str(name))) for name in settings.MIDDLEWARE]


def _standard(name: str, middleware: Any) -> str:  # noqa: ANN401 - a class or a function
    bases = middleware.__mro__ if isinstance(middleware, type) else ()
    named = (f"{base.__module__}.{base.__qualname__}" for base in bases)
    return next((base for base in named if base.startswith(_STANDARD) and base not in _NO_MIDDLEWARE), name)


def _security() -> dict[str, Any]:
    """The settings of SecurityMiddleware and XFrameOptionsMiddleware, without their SECURE_."""
    given = {name.lower(): getattr(settings, f"SECURE_{name}") for name in _SECURE}
    policy = given["referrer_policy"]
    named = policy if policy is None or isinstance(policy, str) else ",".join(policy)
    return {**given, "referrer_policy": named, "x_frame_options": settings.X_FRAME_OPTIONS}


def _cors() -> dict[str, Any] | None:
    """The settings of django-cors-headers; None where it adds no headers."""
    if not any(name.startswith("corsheaders.") for name in settings.MIDDLEWARE):
        return None
    from corsheaders.conf import conf

    return {name.removeprefix("CORS_").lower(): _plain_setting(getattr(conf, name)) for name in _CORS}


def _token_cookie() -> dict[str, Any] | None:
    """dj-rest-auth's settings of JSON web tokens; None where it has none of them."""
    if not any(str(app).startswith("dj_rest_auth") for app in settings.INSTALLED_APPS):
        return None
    given = getattr(settings, "REST_AUTH", None) or {}
    # Its older versions have each as a setting of its own.
    found = {name: given.get(name, getattr(settings, name, None)) for name in _TOKEN_COOKIE}
    if not (given.get("USE_JWT") or getattr(settings, "REST_USE_JWT", False)):
        return None
    return {
        "name": found["JWT_AUTH_COOKIE"] or "",
        "csrf": bool(found["JWT_AUTH_COOKIE_USE_CSRF"]),
        "csrf_always": bool(found["JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED"]),
    }


def _plain_setting(value: Any) -> Any:  # noqa: ANN401 - a setting of one of these kinds
    """A setting in JSON's words; a compiled pattern is its text."""
    if isinstance(value, list | tuple):
        return [_plain_setting(each) for each in value]
    return getattr(value, "pattern", value)


def _files() -> dict[str, str]:
    """The storage of uploads, and its folder if it is one of this machine."""
    storage = settings.STORAGES["default"]
    backend = str(storage["BACKEND"])
    is_folder = issubclass(import_string(backend), FileSystemStorage)
    location = storage.get("OPTIONS", {}).get("location") or settings.MEDIA_ROOT
    return {"backend": backend, "place": str(location) if is_folder else ""}


def _cache(given: dict[str, Any]) -> dict[str, str]:
    """A cache: its backend, and where it keeps its values, without a password."""
    places = (given.get("LOCATION", ""), given.get("KEY_PREFIX", ""), given.get("OPTIONS", {}).get("prefix", ""))
    return {"backend": str(given["BACKEND"]), "place": _PASSWORD.sub("", " ".join(map(str, places)).strip())}


def _settings() -> dict[str, Any]:
    """Settings of the whole project that change what an endpoint answers. No secret is among them."""
    return {
        "append_slash": settings.APPEND_SLASH,
        "middleware": list(settings.MIDDLEWARE),
        "standard_middleware": _standard_middleware(),
        "security": _security(),
        "use_tz": settings.USE_TZ,
        "time_zone": settings.TIME_ZONE,
        "use_i18n": settings.USE_I18N,
        "language_code": settings.LANGUAGE_CODE,
        "installed_apps": [str(app) for app in settings.INSTALLED_APPS],
        "databases": sorted(settings.DATABASES),
        "database_engine": settings.DATABASES.get("default", {}).get("ENGINE", ""),
        "database_routers": [str(router) for router in settings.DATABASE_ROUTERS],
        "user_model": settings.AUTH_USER_MODEL,
        "users_by": own_users(get_user_model()),
        "signs_in_by": own_sign_in(get_user_model()),
        "username_field": get_user_model().USERNAME_FIELD,
        "password_hasher": get_hasher().algorithm,
        "sessions": {
            **{name.lower(): getattr(settings, f"SESSION_{name}") for name in _SESSION},
            **{f"csrf_{name.lower()}": getattr(settings, f"CSRF_{name}") for name in _CSRF},
            "backends": list(settings.AUTHENTICATION_BACKENDS),
            "other_permissions": other_permissions(settings.AUTHENTICATION_BACKENDS, get_user_model()),
            "trusted_origins": list(settings.CSRF_TRUSTED_ORIGINS),
        },
        "files": _files(),
        "caches": {name: _cache(given) for name, given in settings.CACHES.items()},
        "num_proxies": api_settings.NUM_PROXIES,
        "compact_json": api_settings.COMPACT_JSON,
        "unicode_json": api_settings.UNICODE_JSON,
        "non_field_errors_key": api_settings.NON_FIELD_ERRORS_KEY,
        "unfollowed": _unfollowed(),
        "cors": _cors(),
        "token_cookie": _token_cookie(),
        "simplejwt": unusual_token_settings(),
        "oauth": oauth_settings(),
        "knox": knox_settings(),
        "secret_key_signs_tokens": is_signed_by_secret_key(),
        "format_suffix": api_settings.FORMAT_SUFFIX_KWARG,
        "exception_handler": _path_of(api_settings.EXCEPTION_HANDLER),
        "own_exception_handler": _own_exception_handler(),
        "root_urlconf": settings.ROOT_URLCONF,
    }
