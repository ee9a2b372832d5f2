"""The settings of a Django project that change what its endpoints answer."""

from typing import Final

from pydantic import BaseModel, ConfigDict

# Whose middleware the service has, or does without.
_OFFERED: Final = ("django.", "strangler_django.", "corsheaders.")
_LOCALE: Final = "django.middleware.locale.LocaleMiddleware"
_NON_FIELD_ERRORS: Final = "non_field_errors"
_HANDLERS: Final = ("rest_framework.", "strangler_django.")


class Facts(BaseModel):
    """What `manage.py export_endpoints` says of something; newer versions of strangler_django may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SessionSettings(Facts):
    """Django's settings of sessions and of the CSRF check, under names like theirs.

    `other_permissions` are the `backends`, and the methods of the user model, that give permissions in another way than
    by Django's tables; None in documents of before.
    """

    engine: str = "django.contrib.sessions.backends.db"
    cookie_name: str = "sessionid"
    cookie_age: float = 1_209_600
    cookie_path: str = "/"
    cookie_domain: str | None = None
    cookie_secure: bool = False
    cookie_httponly: bool = True
    cookie_samesite: str | None = "Lax"
    save_every_request: bool = False
    expire_at_browser_close: bool = False
    backends: tuple[str, ...] = ("django.contrib.auth.backends.ModelBackend",)
    other_permissions: tuple[str, ...] | None = None
    trusted_origins: tuple[str, ...] = ()
    csrf_cookie_name: str = "csrftoken"
    csrf_cookie_age: float | None = 31_449_600
    csrf_cookie_path: str = "/"
    csrf_cookie_domain: str | None = None
    csrf_cookie_secure: bool = False
    csrf_cookie_httponly: bool = False
    csrf_cookie_samesite: str | None = "Lax"
    csrf_use_sessions: bool = False
    csrf_header_name: str = "HTTP_X_CSRFTOKEN"


class SecuritySettings(Facts):
    """Django's settings of headers, without their `SECURE_`; the defaults are Django's own."""

    content_type_nosniff: bool = True
    referrer_policy: str | None = "same-origin"
    cross_origin_opener_policy: str | None = "same-origin"
    hsts_seconds: int = 0
    hsts_include_subdomains: bool = False
    hsts_preload: bool = False
    x_frame_options: str = "DENY"


class TokenCookieSettings(Facts):
    """dj-rest-auth's settings of JSON web tokens: the cookie of the access token, empty where only headers have it.

    `csrf` is JWT_AUTH_COOKIE_USE_CSRF, `csrf_always` JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED.
    """

    name: str = ""
    csrf: bool = False
    csrf_always: bool = False


class KeptPlace(Facts):
    """Where Django keeps uploads or a cache: the backend, and its folder, or its address with the prefix of keys."""

    backend: str = ""
    place: str = ""


class SimpleJwtSettings(Facts):
    """simplejwt's settings that the contract doesn't have, as far as they are others than simplejwt's own.

    `jwk_url` says that keys are fetched, the encoder and the rule are paths of the project's code.
    """

    auth_header_name: str = "HTTP_AUTHORIZATION"
    check_user_is_active: bool = True
    json_encoder: str | None = None
    jwk_url: bool = False
    user_authentication_rule: str | None = None


class OAuthSettings(Facts):
    """django-oauth-toolkit's settings: the `table` of access tokens, whether the query may hold one, and ID tokens.

    `gap` is why the service can't read them.
    """

    table: str = "oauth2_provider_accesstoken"
    query_tokens: bool = True
    id_tokens: bool = False
    gap: str | None = None


class KnoxSettings(Facts):
    """django-rest-knox's settings: the `table` of tokens, the word before one, and how they are found there.

    A token's first `key_length` characters are its key, `digest` is the algorithm of its text, or of the bytes that a
    `hexadecimal` one stands for. `gap` is why the service can't read them.
    """

    table: str = "knox_authtoken"
    keyword: str = "Token"
    key_length: int = 15
    digest: str = "sha512"
    hexadecimal: bool = False
    gap: str | None = None


class ExceptionHandlerFacts(Facts):
    """An EXCEPTION_HANDLER of the project's own: its `name`, and the `code` of it and of what it calls.

    It `uses` names of `strangler_fastapi.drf.http.exception_handler`, each under its own one in the code. `never` are
    exceptions that it looks for and that no error of the service is. It `words` some of DRF's texts itself. `gap` says
    why it can't be carried over.
    """

    name: str = ""
    code: tuple[str, ...] = ()
    uses: dict[str, str] = {}
    never: tuple[str, ...] = ()
    words: bool = False
    gap: str | None = None


class RendererFacts(Facts):
    """A JSONRenderer of the project's own: a function by `name`, and its `code` as ExceptionHandlerFacts have it.

    `gap` is why it can't be carried over.
    """

    name: str = ""
    code: tuple[str, ...] = ()
    uses: dict[str, str] = {}
    media_type: str = "application/json"
    format: str = "json"
    charset: str | None = None
    gap: str | None = None


class DjangoSettings(Facts):
    """Settings of the whole project that change what endpoints answer.

    `exception_handler` names what words errors, `own_exception_handler` is what was read of one of the project's own,
    `users_by` is code of the project's own by which callers are found, where that may leave some out, `signs_in_by`
    what finds them by the names that they sign in with,
    `password_hasher` is the algorithm by which Django stores new passwords, `username_field` the field of the user by
    which one signs in, `num_proxies` DRF's NUM_PROXIES, `unfollowed` the settings of Django and DRF that
    strangler_fastapi goes without, as far as they are unusual, `cors` the settings of django-cors-headers without their
    `CORS_`, `token_cookie` is None where dj-rest-auth gives no JSON web tokens, `oauth` and `knox`
    where the project doesn't have these packages, `secret_key_signs_tokens` is of
    simplejwt without a SIGNING_KEY. `standard_middleware` has Django's own class in place of one that the project made
    of it.
    """

    append_slash: bool = True
    middleware: tuple[str, ...] = ()
    standard_middleware: tuple[str, ...] = ()
    security: SecuritySettings = SecuritySettings()
    installed_apps: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    database_engine: str = ""
    use_i18n: bool = True
    language_code: str = "en-us"
    use_tz: bool = True
    time_zone: str = "UTC"
    exception_handler: str = ""
    own_exception_handler: ExceptionHandlerFacts | None = None
    user_model: str = ""
    users_by: str | None = None
    signs_in_by: str | None = None
    username_field: str = "username"
    password_hasher: str = "argon2"  # noqa: S105 - an algorithm
    num_proxies: int | None = None
    compact_json: bool = True
    unicode_json: bool = True
    non_field_errors_key: str = _NON_FIELD_ERRORS
    unfollowed: dict[str, str] = {}
    sessions: SessionSettings = SessionSettings()
    files: KeptPlace = KeptPlace()
    caches: dict[str, KeptPlace] = {}
    cors: dict[str, bool | int | str | tuple[str, ...]] | None = None
    token_cookie: TokenCookieSettings | None = None
    simplejwt: SimpleJwtSettings = SimpleJwtSettings()
    oauth: OAuthSettings | None = None
    knox: KnoxSettings | None = None
    secret_key_signs_tokens: bool = False

    @property
    def own_errors_key(self) -> str | None:
        """The key of errors of a whole body, where it isn't DRF's."""
        return None if self.non_field_errors_key == _NON_FIELD_ERRORS else self.non_field_errors_key

    @property
    def zone(self) -> str:
        """That of times without an offset."""
        return self.time_zone if self.use_tz else "no zone"

    @property
    def known_middleware(self) -> tuple[str, ...]:
        """MIDDLEWARE, without what is the project's own."""
        every = self.standard_middleware or self.middleware
        return tuple(name for name in every if name.startswith(("django.", "corsheaders.")))

    @property
    def other_middleware(self) -> tuple[str, ...]:
        """MIDDLEWARE that the service goes without: the project's own, and that of other packages."""
        return tuple(name for name in self.middleware if not name.startswith(_OFFERED))

    @property
    def translates(self) -> bool:
        """Whether errors are in another language than English, or in the one that a client asks for."""
        return self.use_i18n and (_LOCALE in self.middleware or self.language_code.lower().partition("-")[0] != "en")

    @property
    def words_errors(self) -> bool:
        """Whether a handler of the project's own words errors."""
        return bool(self.exception_handler) and not self.exception_handler.startswith(_HANDLERS)

    @property
    def error_gap(self) -> str | None:
        """Why errors can't be worded as the project's own handler does; None where they can."""
        if not self.words_errors:
            return None
        own = self.own_exception_handler
        why = "is your own" if own is None else own.gap
        if own is not None and own.words and self.translates:
            why = "it says DRF's own texts in the client's language"
        return None if why is None else f"errors by {self.exception_handler}: {why}"
