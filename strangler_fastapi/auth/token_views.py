"""simplejwt's views: obtain, refresh, verify and blacklist tokens."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from shared_schema.sign_in import FAILURES
from strangler_fastapi.auth.bearer_tokens import bearer_header
from strangler_fastapi.auth.token_service import NO_ADDITIONS, SignInAdditions, TokenService
from strangler_fastapi.auth.token_tables import TokenTables
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields.fields import CharField, ReadOnlyField
from strangler_fastapi.drf.http.bodies import PARSERS, Parser
from strangler_fastapi.drf.http.renderers import JSON_RENDERER, Renderer
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.http.versioning import BaseVersioning
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.throttles import BaseThrottle
from strangler_fastapi.drf.views.view import View, feature_router


class TokenPair(BaseModel):
    """A refresh token and the access token that goes with it."""

    refresh: str
    access: str


class TokenRefreshed(BaseModel):
    """The new access token and the refresh token that replaces the old one."""

    access: str
    refresh: str


class SlidingToken(BaseModel):
    """A token that signs requests, and that is exchanged for another before it ends."""

    token: str


class EmptyObject(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


Answer = Callable[[TokenService, Mapping[str, str]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class _TokenView:
    """A view of simplejwt: what OPTIONS shows of it, what it reads, and what answers."""

    name: str
    description: str
    summary: str
    serializer: Serializer
    response: type[BaseModel]
    answer: Answer
    writes: bool = True


_REFRESH = _TokenView(
    name="Token Refresh",
    description="Takes a refresh type JSON web token and returns an access type JSON web\n"
    "token if the refresh token is valid.",
    summary="Exchange a refresh token for a new pair; the old one is no longer accepted.",
    serializer=Serializer("TokenRefresh", {"refresh": CharField(), "access": ReadOnlyField(type="string")}),
    response=TokenRefreshed,
    answer=lambda service, data: service.refresh(refresh=data["refresh"]),
)
_SLIDING_REFRESH = _TokenView(
    name="Token Refresh Sliding",
    description="Takes a sliding JSON web token and returns a new, refreshed version if the\n"
    "token's refresh period has not expired.",
    summary="Exchange a sliding token for one that ends later.",
    serializer=Serializer("TokenRefreshSliding", {"token": CharField()}),
    response=SlidingToken,
    answer=lambda service, data: service.refresh_sliding(token=data["token"]),
)
_VERIFY = _TokenView(
    name="Token Verify",
    description="Takes a token and indicates if it is valid.  This view provides no\n"
    "information about a token's fitness for a particular use.",
    summary="Ask whether a token is valid.",
    serializer=Serializer("TokenVerify", {"token": CharField()}),
    response=EmptyObject,
    answer=lambda service, data: service.verify(token=data["token"]),
    writes=False,
)
_BLACKLIST = _TokenView(
    name="Token Blacklist",
    description="Takes a token and blacklists it. Must be used with the\n"
    "`rest_framework_simplejwt.token_blacklist` app installed.",
    summary="Sign out: the refresh token is no longer accepted.",
    serializer=Serializer("TokenBlacklist", {"refresh": CharField()}),
    response=EmptyObject,
    answer=lambda service, data: service.blacklist(refresh=data["refresh"]),
)


def token_router(
    prefixes: ApiPrefixes,
    tables: TokenTables[Any],
    *,
    paths: Mapping[str, str],
    name: str = "auth",
    example: tuple[str | None, str | None] = (None, None),
    throttles: Mapping[str, tuple[BaseThrottle, ...]] = MappingProxyType({}),
    versioning: Mapping[str, BaseVersioning] = MappingProxyType({}),
    renderers: tuple[Renderer, ...] = (JSON_RENDERER,),
    parsers: tuple[Parser, ...] = PARSERS,
    additions: Mapping[str, SignInAdditions] = MappingProxyType({}),
    titles: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> APIRouter:
    """A router with a view for each of `paths`.

    Args:
        prefixes: the service's.
        tables: where users and issued tokens are.
        paths: `token`, `refresh`, `sliding`, `sliding_refresh`, `verify` and `blacklist`, as far as the API has them →
            the path of each.
        name: the feature's name in the documentation; its endpoints are `<name>_token`, `<name>_refresh` and so on.
        example: a username and a password, for the documentation.
        throttles: what counts the requests of each view that has any.
        versioning: what finds the version of the API that they mean.
        renderers: the forms of answers that a client can choose from.
        parsers: what reads the bodies.
        additions: what `token` and `sliding` add to tokens and answers, as a project's own serializer does.
        titles: the name and the description that OPTIONS says of a view which isn't called as simplejwt's.

    Raises:
        KeyError: `paths` names another view.
    """
    router = feature_router(prefixes, name)
    views = {
        "token": _obtain(tables.username_field, *example, additions.get("token", NO_ADDITIONS)),
        "refresh": _REFRESH,
        "sliding": _obtain_sliding(tables.username_field, *example, additions.get("sliding", NO_ADDITIONS)),
        "sliding_refresh": _SLIDING_REFRESH,
        "verify": _VERIFY,
        "blacklist": _BLACKLIST,
    }
    for action, path in paths.items():
        counted = {"throttles": throttles.get(action, ()), "versioning": versioning.get(action)}
        options = counted | {"renderers": renderers, "parsers": parsers}
        kind, (title, said) = views[action], titles.get(action, (None, None))
        kind = replace(kind, name=title or kind.name, description=kind.description if said is None else said)
        _add(router, path, tables, kind, endpoint=f"{name}_{action}", **options)
    return router


def _obtain(username_field: str, username: str | None, password: str | None, additions: SignInAdditions) -> _TokenView:
    return _TokenView(
        name="Token Obtain Pair",
        description="Takes a set of user credentials and returns an access and refresh JSON web\n"
        "token pair to prove the authentication of those credentials.",
        summary="Sign in: a new pair of tokens.",
        serializer=_credentials("TokenObtain", username_field, username, password),
        response=TokenPair,
        answer=lambda service, data: service.obtain(
            username=data[username_field], password=data["password"], additions=additions
        ),
    )


def _obtain_sliding(
    username_field: str, username: str | None, password: str | None, additions: SignInAdditions
) -> _TokenView:
    return _TokenView(
        name="Token Obtain Sliding",
        description="Takes a set of user credentials and returns a sliding JSON web token to\n"
        "prove the authentication of those credentials.",
        summary="Sign in: a new sliding token.",
        serializer=_credentials("TokenObtainSliding", username_field, username, password),
        response=SlidingToken,
        answer=lambda service, data: service.obtain_sliding(
            username=data[username_field], password=data["password"], additions=additions
        ),
    )


def _credentials(name: str, username_field: str, username: str | None, password: str | None) -> Serializer:
    return Serializer(name, {username_field: CharField(example=username), "password": CharField(example=password)})


def _add(
    router: APIRouter,
    path: str,
    tables: TokenTables[Any],
    kind: _TokenView,
    *,
    endpoint: str,
    **options: Any,  # noqa: ANN401 - as View has them
) -> None:
    view = View(
        router,
        path,
        name=kind.name,
        methods=("POST",),
        permission=AllowAny,
        authenticators=(),
        challenge=bearer_header,
        serializer=kind.serializer,
        description=kind.description,
        **options,
    )

    async def answer(request: Request, session: Session) -> Response:
        state = request.app.state
        failures = getattr(state, "sign_in_failures", FAILURES)
        service = TokenService(session, state.tokens, tables, sign_in_failures=failures)
        data = await kind.serializer.read(request, session)
        return JsonResponse(await kind.answer(service, data))

    answer.__name__, answer.__doc__ = endpoint, kind.summary
    view.post(response=kind.response, writes=kind.writes)(answer)
