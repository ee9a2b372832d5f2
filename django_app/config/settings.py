"""Settings of the legacy service; what differs between deployments comes from `environment`.

https://docs.djangoproject.com/en/5.2/ref/settings/ and the libraries' pages name each.
"""

from datetime import timedelta
from typing import Any

from django_app.config.database import database_settings
from django_app.config.environment import environment_read
from django_app.config.logs import logging_settings

environment = environment_read()

SECRET_KEY = environment.secret_key
# Off in development too: both stacks must answer there as they do in production, errors included.
DEBUG = False
ALLOWED_HOSTS = list(environment.allowed_hosts)
ROOT_URLCONF = "django_app.config.urls"
WSGI_APPLICATION = "django_app.config.wsgi.application"
# nginx overwrites the client's header, so it can be believed.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_app.accounts",
    "django_app.blog",
    "strangler_django",
    "strangler_django.sign_in",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "django_app.config.middleware.RequestLogMiddleware",
    "django_app.config.middleware.BodyDrainMiddleware",
    "django_app.config.middleware.ForwardedPrefixMiddleware",
    "django_app.config.middleware.PagePolicyMiddleware",
    "strangler_django.hashers.HashingBusyMiddleware",
    "strangler_django.refusals.DatabaseRefusalMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
if environment.report_sql:
    # Outermost, so that it sees the statements of all others.
    MIDDLEWARE.insert(0, "django_app.config.statements.StatementsMiddleware")
if environment.service_metrics:
    MIDDLEWARE.insert(0, "strangler_django.metrics.MetricsMiddleware")
TRACES = bool(environment.otel_exporter_otlp_endpoint)

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database_settings(url=environment.database_url, pool_max=environment.db_pool_max)}
STATEMENT_TIMEOUT = environment.statement_timeout
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["strangler_django.sign_in.backends.EvenModelBackend"]
PASSWORD_HASHERS = [
    "strangler_django.hashers.BoundedArgon2PasswordHasher",
    "strangler_django.hashers.BoundedPBKDF2PasswordHasher",
    "strangler_django.hashers.BoundedPBKDF2SHA1PasswordHasher",
]
# A thread that waits for a hash answers nobody else: some stay free for other requests.
HASHES_AT_ONCE = environment.hashes_at_once
HASHES_WAITING = environment.hashes_waiting
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SIGN_IN_FAILURES = environment.sign_in_failures
DEMO_PASSWORD = environment.demo_password
IS_PRODUCTION = environment.is_production

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
LOGGING = logging_settings(level=environment.log_level)
PROCRASTINATE_ON_APP_READY = "django_app.config.jobs.request_ids_pass"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "strangler_django.parsers.JSONParser",
        "strangler_django.parsers.FormParser",
        "strangler_django.parsers.MultiPartParser",
    ],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "strangler_django.filters.SearchFilter",
        "django_app.config.lists.StableOrderingFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "django_app.config.lists.PagePagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# FastAPI takes these from the contract: export it again after a change.
SIMPLE_JWT: dict[str, Any] = {
    "SIGNING_KEY": environment.jwt_signing_key,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
    # A new password ends every token of before.
    "CHECK_REVOKE_TOKEN": True,
    "TOKEN_OBTAIN_SERIALIZER": "strangler_django.sign_in.serializers.TokenObtainPairSerializer",
    "TOKEN_REFRESH_SERIALIZER": "strangler_django.tokens.TokenRefreshSerializer",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Blog API, version 1",
    "DESCRIPTION": "The legacy service: users, posts and tags. Sign in at `auth/token/`.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "TAGS": [
        {"name": "auth", "description": "Tokens: get, refresh, verify, blacklist."},
        {"name": "users", "description": "Accounts and their posts."},
        {"name": "posts", "description": "The caller's own posts."},
        {"name": "feed", "description": "Everybody's published posts; no sign-in."},
        {"name": "tags", "description": "What posts are about."},
        {"name": "health", "description": "Whether the service can work."},
    ],
}
