"""`auth/token/…`: the whole life of a token."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from fastapi_app.auth import service
from fastapi_app.auth.schemas import Nothing, TokenPair, TokenRefreshed
from fastapi_app.config import PREFIXES
from strangler_fastapi.auth.tokens import Tokens
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields import CharField, ReadOnlyField
from strangler_fastapi.drf.rendering import JsonResponse
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.view import View, feature_router

router = feature_router(PREFIXES, "auth")


async def application_tokens(request: Request) -> Tokens:
    """The application's signer."""
    tokens: Tokens = request.app.state.tokens
    return tokens


AppTokens = Annotated[Tokens, Depends(application_tokens)]

_OBTAIN = Serializer(
    "TokenObtain", {"username": CharField(example="alice"), "password": CharField(example="strangler-demo")}
)
_REFRESH = Serializer("TokenRefresh", {"refresh": CharField(), "access": ReadOnlyField(type="string")})
_VERIFY = Serializer("TokenVerify", {"token": CharField()})
_BLACKLIST = Serializer("TokenBlacklist", {"refresh": CharField()})

# The descriptions are simplejwt's: OPTIONS shows them.
obtain = View(
    router,
    "/auth/token/",
    name="Token Obtain Pair",
    methods=("POST",),
    serializer=_OBTAIN,
    description="Takes a set of user credentials and returns an access and refresh JSON web\n"
    "token pair to prove the authentication of those credentials.",
)
refresh = View(
    router,
    "/auth/token/refresh/",
    name="Token Refresh",
    methods=("POST",),
    serializer=_REFRESH,
    description="Takes a refresh type JSON web token and returns an access type JSON web\n"
    "token if the refresh token is valid.",
)
verify = View(
    router,
    "/auth/token/verify/",
    name="Token Verify",
    methods=("POST",),
    serializer=_VERIFY,
    description="Takes a token and indicates if it is valid.  This view provides no\n"
    "information about a token's fitness for a particular use.",
)
blacklist = View(
    router,
    "/auth/token/blacklist/",
    name="Token Blacklist",
    methods=("POST",),
    serializer=_BLACKLIST,
    description="Takes a token and blacklists it. Must be used with the\n"
    "`rest_framework_simplejwt.token_blacklist` app installed.",
)


@obtain.post(response=TokenPair)
async def auth_token(request: Request, session: Session, tokens: AppTokens) -> Response:
    """Sign in: a new pair of tokens."""
    data = await _OBTAIN.read(request, session)
    return JsonResponse(await service.token_obtain(session=session, tokens=tokens, **data))


@refresh.post(response=TokenRefreshed)
async def auth_refresh(request: Request, session: Session, tokens: AppTokens) -> Response:
    """Exchange a refresh token for a new pair; the old one is no longer accepted."""
    data = await _REFRESH.read(request, session)
    return JsonResponse(await service.token_refresh(session=session, tokens=tokens, **data))


@verify.post(response=Nothing, writes=False)
async def auth_verify(request: Request, session: Session, tokens: AppTokens) -> Response:
    """Ask whether a token is good."""
    data = await _VERIFY.read(request, session)
    return JsonResponse(await service.token_verify(session=session, tokens=tokens, **data))


@blacklist.post(response=Nothing)
async def auth_blacklist(request: Request, session: Session, tokens: AppTokens) -> Response:
    """Sign out: the refresh token is no longer accepted."""
    data = await _BLACKLIST.read(request, session)
    return JsonResponse(await service.token_blacklist(session=session, tokens=tokens, **data))
