"""What reads the bodies of a view's requests and writes its answers, as arguments of a View."""

from collections.abc import Iterable
from typing import Final

from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.endpoints import RENDERERS, DjangoEndpoint
from strangler.adoption.scaffold.code import Code, Items, call, laid_out
from strangler.adoption.scaffold.gaps import PARSERS
from strangler.adoption.scaffold.modules import Module

# DRF's DEFAULT_PARSER_CLASSES.
_PARSERS: Final = ["JSONParser", "FormParser", "MultiPartParser"]


def parsers_of(endpoints: Iterable[DjangoEndpoint], module: Module) -> Code | None:
    """The parsers of a view, where they are others than DRF's own; one that is unknown is a gap of its methods."""
    given = next((each.parsers for each in endpoints if each.parsers), ())
    names = [PARSERS[name] for name in given if name in PARSERS]
    if names == _PARSERS or len(names) < len(given) or not names:
        return None
    module.use("strangler_fastapi.drf.bodies", *names)
    return Items("()", tuple(names))


def renderers_of(endpoint: DjangoEndpoint, settings: DjangoSettings, module: Module) -> Code | None:
    """The renderers of a view, where they are others than JSON alone; one that is unknown is a gap of its methods."""
    named = [RENDERERS[name] for name in endpoint.renderers or () if name in RENDERERS]
    unusual = {"compact": settings.compact_json, "unicode": settings.unicode_json}
    made = laid_out(call("json_renderer", **{name: "False" for name, value in unusual.items() if not value}))
    names = tuple(made if name == "JSON_RENDERER" and not all(unusual.values()) else name for name in named)
    if names in ((), ("JSON_RENDERER",)):
        return None
    module.use("strangler_fastapi.drf.renderers", *(name.partition("(")[0] for name in names))
    return Items("()", names)
