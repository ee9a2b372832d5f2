"""The application: `create_app` puts the parts together."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.trustedhost import TrustedHostMiddleware

from fastapi_app.auth.router import router as auth
from fastapi_app.config import NAME, PREFIXES, Settings, load_settings
from fastapi_app.consumer import CONSUMER_FILE
from fastapi_app.events.lifespan import events_running
from fastapi_app.events.router import router as events
from fastapi_app.feed.router import router as feed
from fastapi_app.health.router import router as health
from fastapi_app.models import BLOG
from fastapi_app.posts.router import router as posts
from fastapi_app.tags.router import router as tags
from fastapi_app.users.router import router as users
from shared_schema.consumer.consumer import load_consumer
from strangler_fastapi.auth.tokens import Tokens
from strangler_fastapi.db.engine import Database, watched
from strangler_fastapi.db.query_count import StatementsMiddleware
from strangler_fastapi.drf.documents import DocumentedApi
from strangler_fastapi.drf.handlers import add_handlers
from strangler_fastapi.logs import configure_logs
from strangler_fastapi.middleware import RequestMiddleware

_ROUTERS = (auth, users, posts, feed, tags, events, health)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application. It needs no database until it is started, and then waits for one.

    Raises:
        SettingsError: no settings are given, and the environment's are missing or wrong.
    """
    settings = settings or load_settings()
    configure_logs(settings.log_level)
    app = DocumentedApi(
        title="Blog API, version 2",
        description="The same API as version 1, answered by FastAPI. Sign in at `auth/token/`.",
        version="2.0.0",
        docs_url=PREFIXES.below("/docs"),
        redoc_url=None,
        openapi_url=PREFIXES.below("/openapi.json"),
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.prefixes = PREFIXES
    app.state.tokens = Tokens(settings.jwt_signing_key.get_secret_value())
    for router in _ROUTERS:
        # Not include_router: FastAPI would look for the route of each request twice, in every router.
        app.router.routes.extend(router.routes)
    add_handlers(app)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.hosts, www_redirect=False)
    app.add_middleware(RequestMiddleware, is_known_path=_known_paths(), service=NAME)
    if settings.report_sql:
        app.add_middleware(StatementsMiddleware)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    app.state.database = Database(
        settings.fastapi_database_url,
        service=NAME,
        mapping=BLOG,
        consumer=load_consumer(CONSUMER_FILE),
        pool_max=settings.db_pool_max,
        statement_seconds=settings.statement_timeout,
        report_sql=settings.report_sql,
    )
    async with watched(app.state.database), events_running(settings.fastapi_database_url) as app.state.events:
        yield


def _known_paths() -> Callable[[str], bool]:
    """Whether a path is one of the routers'."""
    paths = {route.path for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)}
    pattern = re.compile("|".join(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) for path in sorted(paths)))
    return lambda path: pattern.fullmatch(path) is not None
