"""`auth/token/…`: simplejwt's views."""

from fastapi_app.auth.accounts import TOKEN_TABLES
from fastapi_app.config import PREFIXES
from strangler_fastapi.auth.token_views import token_router

router = token_router(
    PREFIXES,
    TOKEN_TABLES,
    paths={
        "token": "/auth/token/",
        "refresh": "/auth/token/refresh/",
        "verify": "/auth/token/verify/",
        "blacklist": "/auth/token/blacklist/",
    },
    example=("alice", "strangler-demo"),
)
