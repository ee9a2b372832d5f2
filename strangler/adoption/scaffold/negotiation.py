"""What reads the bodies of a view's requests and writes its answers, as arguments of a View."""

import re
from collections.abc import Iterable
from typing import Final

from strangler.adoption.django_settings import DjangoSettings, RendererFacts
from strangler.adoption.endpoints import RENDERERS, DjangoEndpoint
from strangler.adoption.scaffold.code import Code, Items, call, laid_out, quoted, statement
from strangler.adoption.scaffold.errors_module import carry
from strangler.adoption.scaffold.gaps import PARSERS
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import snake
from strangler.errors import UsageError

# DRF's DEFAULT_PARSER_CLASSES.
_PARSERS: Final = ["JSONParser", "FormParser", "MultiPartParser"]


def parsers_of(endpoints: Iterable[DjangoEndpoint], module: Module) -> Code | None:
    """The parsers of a view, where they are others than DRF's own; one that is unknown is a gap of its methods."""
    given = next((each.parsers for each in endpoints if each.parsers), ())
    names = [PARSERS[name] for name in given if name in PARSERS]
    if names == _PARSERS or len(names) < len(given) or not names:
        return None
    module.use("strangler_fastapi.drf.http.bodies", *names)
    return Items("()", tuple(names))


def own_renderers_text(endpoints: Iterable[DjangoEndpoint], settings: DjangoSettings, package: str) -> str:
    """The module of renderers of the project's own that endpoints have; empty where there is none.

    Raises:
        UsageError: two that do different things have one name.
    """
    found = {
        name: facts
        for each in endpoints
        for name, facts in (each.own_renderers or {}).items()
        if facts.gap is None and name not in RENDERERS and name in (each.renderers or ())
    }
    if not found:
        return ""
    module = Module("Answers in forms of the project's own, as its renderers write them.", package)
    module.use("strangler_fastapi.drf.http.renderers", "own_renderer")
    code = [*dict.fromkeys(each for facts in found.values() for each in facts.code)]
    heads = [re.split(r"[(=]", each, maxsplit=1)[0] for each in code]
    if len({*heads}) < len(heads) or len({*map(constant_of, found)}) < len(found):
        raise UsageError(f"the renderers {', '.join(found)} have names in common", "rename one, or its functions")
    carry(module, code, {alias: name for facts in found.values() for alias, name in facts.uses.items()})
    module.add("", "")
    usual, unusual = RendererFacts(), {"compact": settings.compact_json, "unicode": settings.unicode_json}
    for name, facts in found.items():
        named = {each: getattr(facts, each) for each in ("media_type", "format", "charset")}
        differs = {each: quoted(value) for each, value in named.items() if value != getattr(usual, each)}
        flags = {each: "False" for each, value in unusual.items() if not value}
        module.add(statement(constant_of(name), call("own_renderer", facts.name, **differs, **flags)))
    return module.text()


def constant_of(renderer: str) -> str:
    """What a renderer of the project's own is called in the module."""
    return snake(renderer.rpartition(".")[2]).upper()


def renderers_of(endpoint: DjangoEndpoint, settings: DjangoSettings, module: Module, package: str) -> Code | None:
    """The renderers of a view, where they are others than JSON alone; one that is unknown is a gap of its methods."""
    own = {name: constant_of(name) for name, each in (endpoint.own_renderers or {}).items() if each.gap is None}
    known = RENDERERS | own
    named = [known[name] for name in endpoint.renderers or () if name in known]
    used = {*own.values()} & {*named}
    unusual = {"compact": settings.compact_json, "unicode": settings.unicode_json}
    made = laid_out(call("json_renderer", **{name: "False" for name, value in unusual.items() if not value}))
    names = tuple(made if name == "JSON_RENDERER" and not all(unusual.values()) else name for name in named)
    if names in ((), ("JSON_RENDERER",)):
        return None
    module.use(f"{package}.renderers", *used)
    module.use("strangler_fastapi.drf.http.renderers", *({name.partition("(")[0] for name in names} - used))
    return Items("()", names)
