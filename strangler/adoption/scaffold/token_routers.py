"""The routers of views that give tokens: simplejwt's, and DRF's own, as code."""

from collections.abc import Iterator

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.code import Call, Code, call, dictionary, quoted
from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.negotiation import parsers_of, renderers_of
from strangler.adoption.scaffold.versions import versioning_of_view


def token_routers(feature: FeatureScaffold, module: Module) -> list[Call]:
    """The calls that make them; `module` imports what they need."""
    return [*_simplejwts(feature, module), *_drfs(feature, module)]


def _simplejwts(feature: FeatureScaffold, module: Module) -> Iterator[Call]:
    """One router, of all views."""
    views = {each.token_view: each.endpoint for each in feature.endpoints if each.token_view}
    if not views:
        return
    module.use("strangler_fastapi.auth.token_views", "token_router")
    module.use(f"{feature.package}.accounts", "TOKEN_TABLES")
    throttles = {action: feature.throttles.of_view(each, module, feature.package) for action, each in views.items()}
    first = next(iter(views.values()))
    versions = {action: versioning_of_view(each, module) for action, each in views.items()}
    yield call(
        "token_router",
        "PREFIXES",
        "TOKEN_TABLES",
        paths=dictionary({action: _path(feature, each) for action, each in views.items()}),
        name=quoted(feature.name),
        throttles=_those_with_one(throttles),
        versioning=_those_with_one(versions),
        renderers=renderers_of(first, feature.api.settings, module),
        parsers=parsers_of([first], module),
    )


def _drfs(feature: FeatureScaffold, module: Module) -> Iterator[Call]:
    """A router for each view."""
    for endpoint in (each.endpoint for each in feature.endpoints if each.gives_token):
        module.use("strangler_fastapi.auth.auth_tokens", "auth_token_router")
        module.use(f"{feature.package}.accounts", "AUTH_TOKENS")
        yield call(
            "auth_token_router",
            "PREFIXES",
            "AUTH_TOKENS",
            path=_path(feature, endpoint),
            name=quoted(feature.name),
            authenticators=feature.authenticators.of_view(endpoint, module, feature.package),
            throttles=feature.throttles.of_view(endpoint, module, feature.package),
            versioning=versioning_of_view(endpoint, module),
        )


def _path(feature: FeatureScaffold, endpoint: DjangoEndpoint) -> str:
    return quoted(endpoint.path.removeprefix(feature.prefix))


def _those_with_one(found: dict[str, Code | None]) -> Code | None:
    """A dictionary of what there is; None where there is nothing."""
    there = {action: code for action, code in found.items() if code is not None}
    return dictionary(there) if there else None
