"""The router of a feature: a View for each path, and a function for each endpoint."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.access.account_tables import MODEL_PERMISSIONS
from strangler.adoption.scaffold.access.own_permissions import SCOPES
from strangler.adoption.scaffold.code import Code, Text, call, dictionary, laid_out, prefixed, quoted, statement, texts
from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.fields.written_serializer import WrittenSerializer
from strangler.adoption.scaffold.gaps import ACTIONS
from strangler.adoption.scaffold.handlers import MODULE as HANDLER
from strangler.adoption.scaffold.handlers import (
    assigned_code,
    handler_code,
    handler_names,
    handler_status,
    linking_code,
)
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.negotiation import parsers_of, renderers_of
from strangler.adoption.scaffold.tables import identifier, snake
from strangler.adoption.scaffold.token_routers import token_routers
from strangler.adoption.scaffold.versions import versioning_of_view
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint, WrittenResource

# What a variable is without a converter, and in DRF's routers.
_SEGMENTS: Final = frozenset(("[^/]+", "[^/.]+"))
_VIEW: Final = "strangler_fastapi.drf.views.view"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Whose serializer OPTIONS describes.
_DESCRIBED: Final = ("PUT", "POST", "PATCH", "GET", "DELETE")
_CALLS: Final = {
    "list": ("list", "All {feature}."),
    "create": ("create", "Add {a} {noun}."),
    "retrieve": ("retrieve", "One {noun}."),
    "update": ("update", "Change {a} {noun}."),
    "partial_update": ("update", "Change {a} {noun}."),
    "destroy": ("destroy", "Remove {a} {noun}."),
    "assign": ("assign", "Mark {a} {noun}."),
    "link": ("link", "Link {a} {noun} to the caller, or no longer."),
}
# Those of a View's methods.
_STATUSES: Final = {"delete": 204}


class RouterModule:
    """Writes it."""

    def __init__(self, feature: FeatureScaffold) -> None:
        self._feature = feature
        self._functions: set[str] = set()

    def text(self) -> str:
        """The module's text."""
        module = Module(
            f"`{self._feature.name}/…`, as Django answers it ({self._feature.views}).", self._feature.package
        )
        module.use(f"{self._feature.package}.config", "PREFIXES")
        names = self._view_names()
        paths = {
            path: found
            for path, found in self._feature.paths.items()
            if not any(each.token_view or each.gives_token for each in found)
        }
        self._add_router(module, has_views=bool(paths))
        for path, endpoints in paths.items():
            module.add(self._view_text(module, names[path], path, endpoints))
        module.add("")
        for path, endpoints in paths.items():
            for text in self._endpoint_texts(module, names[path], endpoints):
                module.add("", text)
        return module.text()

    def _add_router(self, module: Module, *, has_views: bool) -> None:
        """The router, which holds the views of tokens."""
        made = token_routers(self._feature, module)
        if not has_views and len(made) == 1:
            module.add(statement("router", made[0]))
            return
        module.use(_VIEW, "feature_router", *(["View"] if has_views else []))
        module.add(f'router = feature_router(PREFIXES, "{self._feature.name}")')
        module.add(*(f"router.routes += {laid_out(each)}.routes" for each in made), "")

    def _view_names(self) -> dict[str, str]:
        """The variable of each path's view: the model where the path names a row, else its last segment."""
        names: dict[str, str] = {}
        for path, endpoints in self._feature.paths.items():
            model = next(
                (each.endpoint.model.label.rpartition(".")[2] for each in endpoints if each.endpoint.model), ""
            )
            last = path.rstrip("/").rpartition("/")[2]
            name = snake(model) or f"{self._feature.name}_one" if "{" in last else snake(last) or self._feature.name
            name = identifier(name)
            reserved = {
                *names.values(),
                "router",
                *(identifier(each.route.name.replace(".", "_")) for each in self._feature.endpoints),
            }
            candidates = (name, f"{self._feature.name}_{name}", *(f"{name}_{number}" for number in range(2, 100)))
            names[path] = next(each for each in candidates if each not in reserved)
        return names

    def _view_text(self, module: Module, name: str, path: str, endpoints: Sequence[WrittenEndpoint]) -> str:
        rule, first = self._feature.rules[path], endpoints[0].endpoint
        django = [each for each in self._feature.api.endpoints if each.path == path]
        methods = [method for method in _METHODS if any(each.method == method for each in django)]
        module.use("strangler_fastapi.drf.views.permissions", *(rule.names - {*MODEL_PERMISSIONS}))
        module.use("strangler_fastapi.drf.views.model_permissions", *(rule.names & {*MODEL_PERMISSIONS}))
        module.use(f"{self._feature.package}.{self._feature.name}.permissions", *rule.own)
        module.use(SCOPES, *rule.scoped)
        if rule.model:
            module.use(f"{self._feature.package}.accounts", "MODEL_PERMISSIONS")
            module.use(f"{self._feature.package}.models", rule.model)
        if rule.gaps:
            module.use("strangler_fastapi.drf.views.permissions", "not_ported")
        answered = _answered(endpoints)
        # OPTIONS looks for what a PUT changes.
        put = next((each for each in endpoints if each.endpoint.method == "PUT"), None)
        resource = self._feature.resources.resource_of(put) if put else None
        finds = resource is not None
        serializers = f"{self._feature.package}.{self._feature.name}.serializers"
        described = next((each.described for each in (put, *endpoints) if each and each.described), None)
        module.use(serializers, *(each.constant for each in (answered, described) if each))
        if finds and resource and first.describes:
            module.use(serializers, resource.constant)
        own = self._feature.authenticators.of_view(first, module, self._feature.package)
        return statement(
            name,
            call(
                "View",
                "router",
                quoted(path.removeprefix(self._feature.prefix)),
                name=quoted(first.title or name),
                description=Text(first.description) if first.description else None,
                methods=texts(methods),
                without=texts(first.without) if first.without else None,
                permission=rule.code,
                authenticators=own,
                serializer=answered.constant if answered else None,
                described=described.constant if described else None,
                describes="False" if not first.describes and answered else None,
                find=f"{resource.constant}.find" if finds and resource and first.describes else None,
                parsers=parsers_of(django, module),
                renderers=renderers_of(first, self._feature.api.settings, module, self._feature.package),
                vary=texts(dict.fromkeys(first.cached.vary_all)) if first.cached and first.cached.vary_all else None,
                cached=_cached(endpoints, module),
                throttles=self._feature.throttles.of_view(first, module, self._feature.package),
                versioning=versioning_of_view(first, module),
                patterns=_patterns(first),
                optional_slash="True" if first.optional_slash else None,
            ),
        )

    def _endpoint_texts(self, module: Module, view: str, endpoints: Sequence[WrittenEndpoint]) -> Iterator[str]:
        done: set[tuple[str, str]] = set()
        for each in endpoints:
            if each.endpoint.root is not None and not each.gaps:
                yield self._root_text(module, view, each)
                continue
            resource = self._feature.resources.resource_of(each)
            if resource is None:
                yield _gap_text(view, each)
                continue
            key = self._call_text(each, resource), each.route.name
            if key in done:
                continue
            done.add(key)
            same = [
                other
                for other in endpoints
                if other.route.name == each.route.name
                and self._feature.resources.resource_of(other) is resource
                and self._call_text(other, resource) == key[0]
            ]
            module.use("fastapi", "Request")
            module.use("starlette.responses", "Response")
            module.use("strangler_fastapi.db.session", "Session")
            module.use(f"{self._feature.package}.{self._feature.name}.serializers", resource.constant)
            if (assigned := assigned_code(each.endpoint, each.performed)) is not None:
                text = str(assigned)
                module.use(HANDLER, *(name for name in ("NOW", "TOGGLED", "Added") if name in text))
                module.use("strangler_fastapi.drf.caller_rows", *(["CALLER"] if "CALLER" in text else []))
            if (handler := self._handler(each)) is not None:
                module.use(HANDLER, *handler_names(handler))
                module.use("strangler_fastapi.errors", *(["NotFound"] if "raises=NotFound" in str(handler) else []))
            if (link := each.link) is not None:
                module.use(f"{self._feature.package}.{self._feature.name}.serializers", link.constant)
                module.use("strangler_fastapi.drf.resources.caller_links", "Linking")
                module.use(HANDLER, *(handler_names(key[0]) - {"Handler"}))
            if each.endpoint.handler is not None and each.endpoint.handler.nonzero:
                module.use(HANDLER, "refuse_zero")
            decorators = [self._decorator(module, view, other, resource) for other in same]
            yield self._function_text(each, resource, decorators)

    def _function_name(self, each: WrittenEndpoint) -> str:
        """What an endpoint is called: as its route, unless another endpoint of the feature is."""
        name = identifier(each.route.name.replace(".", "_"))
        by_method = f"{name}_by_{each.endpoint.method.lower()}"
        names = (name, by_method, *(f"{by_method}_{number}" for number in range(2, 100)))
        found = next(each for each in names if each not in self._functions)
        self._functions.add(found)
        return found

    def _root_text(self, module: Module, view: str, each: WrittenEndpoint) -> str:
        """The endpoint that lists the paths of a router."""
        module.use("fastapi", "Request")
        module.use("starlette.responses", "Response")
        module.use("strangler_fastapi.drf.fields.hyperlinks", "addresses")
        module.use("strangler_fastapi.drf.http.rendering", "JsonResponse")
        root = {name: quoted(path.removeprefix(self._feature.prefix)) for name, path in each.endpoint.root or ()}
        constant = f"_{each.route.name.replace('.', '_')}_paths".upper()
        lines = [
            statement(constant, dictionary(root)),
            f"\n\n@{view}.get()",
            f"async def {self._function_name(each)}(request: Request) -> Response:",
            '    """The lists of the API."""',
            f"    return JsonResponse(addresses(request, {constant}))",
        ]
        return "\n".join(lines) + "\n"

    def _decorator(self, module: Module, view: str, each: WrittenEndpoint, resource: WrittenResource) -> str:
        method, status = each.endpoint.method.lower(), handler_status(each.endpoint)
        named: dict[str, Code] = {}
        if each.endpoint.action == "list":
            paged = resource.lists.arguments["pagination"] != "None"
            if paged:
                module.use("strangler_fastapi.drf.pagination.pagination", "Page")
            named = {"many": "Page" if paged else "list", "query": f"{resource.constant}.query"}
            named |= {"pages": f"{resource.constant}.pages"} if paged else {}
            named |= {"gaps": texts(each.limits)} if each.limits else {}
        elif each.endpoint.action == "retrieve":
            named = {"query": f"{resource.constant}.query"}
        elif status != _STATUSES.get(method, 200):
            named = {"status": str(status)}
        if each.endpoint.action in ("assign", "link") and method == "post":
            named["reads_body"] = "False"
        if self._feature.effect_gaps(each.endpoint) or each.saves:
            named["gaps"] = f'{resource.constant}.unported("{ACTIONS[each.endpoint.action or ""]}")'
        shown, own = _answered(self._feature.paths[each.endpoint.path]), each.answers or each.serializer
        if method != "delete" and own is not None and own is not shown:
            module.use(f"{self._feature.package}.{self._feature.name}.serializers", own.constant)
            named = {"response": own.constant} | named
        return "@" + _statement_call(f"{view}.{method}", named)

    def _function_text(self, each: WrittenEndpoint, resource: WrittenResource, decorators: Sequence[str]) -> str:
        _, sentence = _CALLS[each.endpoint.action or ""]
        table = self._feature.contract.tables[resource.serializer.facts.table or ""]
        noun = table.verbose_name or snake(resource.serializer.model)
        article = "an" if noun[:1].lower() in "aeiou" else "a"
        text = sentence.format(feature=self._feature.name.replace("_", " "), a=article, noun=noun)
        handler = each.endpoint.handler
        lines = [
            *decorators,
            f"async def {self._function_name(each)}(request: Request, session: Session) -> Response:",
            f'    """{text}"""',
            *(f"    refuse_zero(request, {quoted(name)})" for name in (handler.nonzero if handler else ())),
            f"    return await {self._call_text(each, resource)}",
        ]
        return "\n".join(lines) + "\n"

    def _handler(self, each: WrittenEndpoint) -> Code | None:
        """What a handler of Django's own does otherwise."""
        return handler_code(each.endpoint, is_own_form=self._feature.api.settings.words_errors)

    def _call_text(self, each: WrittenEndpoint, resource: WrittenResource) -> str:
        """What answers an endpoint."""
        handler, (method, _) = self._handler(each), _CALLS[each.endpoint.action or ""]
        assigned = assigned_code(each.endpoint, each.performed)
        given = [code for code in (assigned, handler) if code is not None]
        named = linking_code(each.endpoint.handler)
        if each.link is not None:
            named |= {"handler": given.pop()} if given else {}
            given = [each.link.constant]
        called = prefixed("return await ", call(f"{resource.constant}.{method}", "request", "session", *given, **named))
        return laid_out(called, indent=4).removeprefix("return await ")


def _patterns(endpoint: DjangoEndpoint) -> Code | None:
    """What the path's variables may be; nginx knows them as segments without a dot."""
    own = {
        each.name: quoted(each.pattern)
        for each in endpoint.parameters
        if f"{{{each.name}}}" in endpoint.path and each.pattern not in _SEGMENTS and "?P<" not in each.pattern
    }
    return dictionary(own) if own else None


def _cached(endpoints: Sequence[WrittenEndpoint], module: Module) -> Code | None:
    """How long answers to GET may be kept."""
    found = next((each.endpoint.cached for each in endpoints if each.endpoint.method == "GET"), None)
    if found is None or (found.seconds is None and not found.vary):
        return None
    module.use("strangler_fastapi.drf.http.cached_answers", "CachedAnswers")
    vary = texts(dict.fromkeys(found.vary)) if found.vary else None
    seconds = [] if found.seconds is None else [str(found.seconds)]
    by_credentials = "True" if found.by_credentials else None
    return call("CachedAnswers", *seconds, vary=vary, by_credentials=by_credentials)


def _answered(endpoints: Sequence[WrittenEndpoint]) -> WrittenSerializer | None:
    """The serializer of a path, which OPTIONS describes: that of what a client sends, where one sends anything."""
    ordered = sorted(endpoints, key=lambda each: _DESCRIBED.index(each.endpoint.method))
    return next((each.serializer for each in ordered if each.serializer and not each.serializer.reads), None)


def _gap_text(view: str, each: WrittenEndpoint) -> str:
    gaps = tuple(map(quoted, dict.fromkeys(each.gaps)))
    # What OPTIONS says of a serializer that isn't read, only Django knows.
    is_unread = any(unread.what == "serializer" for unread in each.endpoint.unread)
    has_serializer = each.endpoint.serializer is not None or is_unread
    is_described = each.endpoint.method in ("POST", "PUT") and has_serializer
    named: dict[str, Code] = {"describes": "True"} if is_described else {}
    return _statement_call(f"{view}.gap", named, quoted(each.endpoint.method), *gaps) + "\n"


def _statement_call(head: str, named: Mapping[str, Code], *arguments: str) -> str:
    """A call on lines of its own."""
    return laid_out(call(head, *arguments, **named), indent=0)
