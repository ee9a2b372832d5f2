"""The application: `create_app` puts the features together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from fastapi_app.admin.site import ADMIN
from fastapi_app.auth.accounts import AUTHENTICATORS
from fastapi_app.auth.router import router as auth
from fastapi_app.config import NAME, PREFIXES, Settings, load_settings
from fastapi_app.database import open_database
from fastapi_app.events.lifespan import events_running
from fastapi_app.events.router import router as events
from fastapi_app.feed.router import router as feed
from fastapi_app.models import BLOG
from fastapi_app.posts.router import router as posts
from fastapi_app.tags.router import router as tags
from fastapi_app.users.router import router as users
from strangler_fastapi.application import create_application, prepare_served
from strangler_fastapi.auth.hashing import set_waiting
from strangler_fastapi.auth.tokens import Tokens
from strangler_fastapi.health import health_router
from strangler_fastapi.logs import configure_logs


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application.

    Raises:
        SettingsError: no settings are given, and the environment's are missing or wrong.
    """
    settings = settings or load_settings()
    configure_logs(settings.log_level)
    app = create_application(
        (auth, users, posts, feed, tags, events, health_router(PREFIXES)),
        service=NAME,
        prefixes=PREFIXES,
        database=lambda: open_database(settings, url=settings.fastapi_database_url),
        lifespan=lambda app: _events(app, settings),
        authenticators=AUTHENTICATORS,
        hosts=settings.hosts,
        read_only=settings.fastapi_read_only,
        report_sql=settings.report_sql,
        metrics=settings.service_metrics,
        traces=bool(settings.otel_exporter_otlp_endpoint),
        # Of Django's own page, behind the same door.
        swagger_ui="/static/drf_spectacular_sidecar/swagger-ui-dist",
        title="Blog API, version 2",
        description="The same API as version 1, answered by FastAPI. Sign in at `auth/token/`.",
        version="2.0.0",
    )
    set_waiting(settings.hashes_waiting)
    app.state.sign_in_failures = settings.sign_in_failures
    key = settings.jwt_signing_key.get_secret_value()
    app.state.tokens = Tokens(key, BLOG.contract.token_settings)
    ADMIN.mount(app, secret_key=key, sign_in_failures=settings.sign_in_failures)
    return app


def create_served() -> FastAPI:
    """The application of a process that does nothing but serve it."""
    app = create_app()
    prepare_served(app)
    return app


@asynccontextmanager
async def _events(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    url, most = settings.fastapi_database_url, settings.event_streams_of_user
    async with events_running(url, most_of_user=most) as app.state.events:
        yield
