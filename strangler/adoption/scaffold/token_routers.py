"""The routers of views that give tokens: simplejwt's, and DRF's own, as code."""

from collections.abc import Iterator

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.code import Call, Code, Items, Text, call, dictionary, quoted
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
        renderers=renderers_of(first, feature.api.settings, module, feature.package),
        parsers=parsers_of([first], module),
        additions=_additions(feature, module),
        titles=_titles(views),
    )


def _additions(feature: FeatureScaffold, module: Module) -> Code | None:
    """What sign-ins add to tokens and answers, by the view."""
    found: dict[str, Code] = {}
    for each in feature.endpoints:
        named = {name: _pairs(added) for name, added in each.additions.items() if added}
        if each.endpoint.token_view and each.endpoint.token_view.refusal is not None:
            named["refusal"] = quoted(each.endpoint.token_view.refusal)
        if not each.token_view or not named:
            continue
        found[each.token_view] = call("SignInAdditions", **named)
        module.use("strangler_fastapi.auth.token_service", "SignInAdditions")
        shown = (str(code) for added in each.additions.values() for _, code in added)
        constants = {code.removesuffix(".show") for code in shown if code.endswith(".show")}
        module.use(f"{feature.package}.{feature.name}.serializers", *constants)
    return dictionary(found) if found else None


def _pairs(added: list[tuple[str | None, Code]]) -> Code:
    return Items("()", tuple(Items("()", (quoted(name), code)) for name, code in added))


def _titles(views: dict[str, DjangoEndpoint]) -> Code | None:
    """What OPTIONS calls views that are derived from simplejwt's."""
    titles = {
        action: Items("()", (quoted(each.title or ""), Text(each.description or "")))
        for action, each in views.items()
        if each.token_view and each.view != each.token_view.view
    }
    return dictionary(dict(titles)) if titles else None


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
