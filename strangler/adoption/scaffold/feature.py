"""A feature of a service: the endpoints below one segment of the API, as a folder of short modules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.scaffold.access import Rule, permission_by_method, permission_of
from strangler.adoption.scaffold.authenticators import Authenticators
from strangler.adoption.scaffold.code import Code, Text, call, dictionary, laid_out, quoted, statement, texts
from strangler.adoption.scaffold.fields import Serializers, WrittenSerializer
from strangler.adoption.scaffold.gaps import ACTIONS, handler_gaps, request_gaps
from strangler.adoption.scaffold.lists import WrittenList, write_list
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import Tables, UnreadableError, snake
from strangler.routes.route import Route

_VIEW: Final = "strangler_fastapi.drf.view"
# Views that a docstring names.
_NAMED: Final = 2
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CALLS: Final = {
    "list": ("get", "list", "All {feature}."),
    "create": ("post", "create", "Add {a} {noun}."),
    "retrieve": ("get", "retrieve", "One {noun}."),
    "update": ("put", "update", "Change {a} {noun}."),
    "partial_update": ("patch", "update", "Change {a} {noun}."),
    "destroy": ("delete", "destroy", "Remove {a} {noun}."),
}


@dataclass
class WrittenEndpoint:
    """One method of one path: its route, and the gaps for which it answers 501; `limits` are those of parameters.

    `token_view` is what `token_router` calls a view of simplejwt.
    """

    endpoint: DjangoEndpoint
    route: Route
    gaps: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    serializer: WrittenSerializer | None = None
    token_view: str | None = None


@dataclass
class _Resource:
    """A Resource of a view with one serializer; `actions` are those that endpoints use.

    `callers` are its arguments that name columns of the caller.
    """

    constant: str
    serializer: WrittenSerializer
    lists: WrittenList
    lookup: tuple[str, str]
    callers: Mapping[str, Code | None]
    actions: list[str] = field(default_factory=list)


class Feature:
    """The code of a feature, and its gaps.

    Args:
        name: the feature's folder.
        package: the service's package.
        endpoints: the selected ones, each with its route.
        tables: learns which tables and columns the feature needs.
    """

    def __init__(
        self,
        name: str,
        package: str,
        endpoints: Sequence[tuple[DjangoEndpoint, Route]],
        *,
        api: DjangoApi,
        contract: Contract,
        tables: Tables,
        prefix: str,
        authenticators: Authenticators,
    ) -> None:
        self.name = name
        self._package = package
        self._contract = contract
        self._tables = tables
        self._prefix = prefix
        self._api = api
        self._authenticators = authenticators
        self._serializers = Serializers(tables, api.settings)
        self._resources: dict[tuple[str, str], _Resource] = {}
        self.endpoints = [WrittenEndpoint(each, route) for each, route in endpoints]
        self._paths: dict[str, list[WrittenEndpoint]] = {}
        for each in self.endpoints:
            self._paths.setdefault(each.endpoint.path, []).append(each)
            self._prepare(each)
        self._rules = {path: self._rule(each) for path, each in self._paths.items()}

    def modules(self) -> Iterator[tuple[str, str]]:
        """The name and the text of each file in the folder."""
        yield (
            "__init__.py",
            f'"""{self.name.replace("_", " ").capitalize()}, as Django has them ({self._views})."""\n',
        )
        if self._serializers.written:
            yield "serializers.py", self._serializers_text()
        yield "router.py", self._router_text()
        yield "statements.py", self._statements_text()

    @property
    def answers(self) -> list[WrittenSerializer]:
        """The serializers that endpoints answer with."""
        return list({each.serializer.constant: each.serializer for each in self.endpoints if each.serializer}.values())

    @property
    def _views(self) -> str:
        """Django's views, as a docstring names them."""
        names = sorted({each.endpoint.view.rpartition(".")[2] for each in self.endpoints})
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{', '.join(names[:_NAMED])}{more}"

    def _prepare(self, each: WrittenEndpoint) -> None:
        """Finds the gaps of an endpoint, and writes its serializer and its resource."""
        endpoint = each.endpoint
        if (token_view := self._authenticators.account_tables.token_action(endpoint)) is not None:
            self._prepare_token_view(each, token_view)
            return
        each.gaps += handler_gaps(endpoint, self._contract)
        each.gaps += self._authenticators.gaps(endpoint)
        action = endpoint.action or ""
        try:
            if endpoint.serializer is not None and action != "destroy":
                each.serializer = self._serializers.write(endpoint.serializer)
                each.gaps += each.serializer.reads
                each.gaps += each.serializer.writes if action in ("create", "update", "partial_update") else []
            elif action in ACTIONS and action != "destroy":
                raise UnreadableError("there is no serializer")
            if not each.gaps:
                self._use(each, action)
        except UnreadableError as gap:
            each.gaps.append(str(gap))

    def _prepare_token_view(self, each: WrittenEndpoint, token_view: str) -> None:
        """Has `token_router` answer a view of simplejwt, which has one of each kind."""
        each.gaps += request_gaps(each.endpoint)
        if (gap := self._authenticators.account_tables.token_gap()) is not None:
            each.gaps.append(gap)
        if any(other.token_view == token_view for other in self.endpoints):
            each.gaps.append(f"a second view of {each.endpoint.view.rpartition('.')[2]}")
        if not each.gaps:
            each.token_view = token_view

    def _use(self, each: WrittenEndpoint, action: str) -> None:
        """Has a resource do the action."""
        resource = self._resource(each)
        if ACTIONS[action] not in resource.actions:
            resource.actions.append(ACTIONS[action])
        if action == "list":
            each.limits += resource.lists.gaps

    def _resource(self, each: WrittenEndpoint) -> _Resource:
        endpoint = each.endpoint
        serializer = each.serializer or self._serializer_of_view(endpoint)
        if endpoint.model is None or serializer.facts.table != endpoint.model.table:
            raise UnreadableError("its serializer is of another model than its rows")
        key = (endpoint.view, serializer.constant)
        if key not in self._resources:
            listed = self._list_of_view(endpoint)
            made = write_list(listed, serializer.model, self._tables)
            taken = {resource.constant for resource in self._resources.values()}
            names = (self.name, snake(serializer.title), *(f"{self.name}_{number}" for number in range(2, 100)))
            constants = (name.upper() for name in names)
            constant = next(name for name in constants if name not in taken and not name.endswith("_SERIALIZER"))
            self._resources[key] = _Resource(
                constant, serializer, made, self._lookup(endpoint), self._callers(endpoint)
            )
        return self._resources[key]

    def _serializer_of_view(self, endpoint: DjangoEndpoint) -> WrittenSerializer:
        """The serializer of what is deleted: any of its view."""
        for other in self.endpoints:
            if other.serializer and other.endpoint.view == endpoint.view:
                return other.serializer
        if endpoint.serializer is None:
            raise UnreadableError("there is no serializer")
        return self._serializers.write(endpoint.serializer)

    def _list_of_view(self, endpoint: DjangoEndpoint) -> DjangoEndpoint:
        """The list whose filters a view has; the endpoint itself where it has no list."""
        same = (each for each in self._api.endpoints if each.view == endpoint.view and each.action == "list")
        return next(same, endpoint)

    def _lookup(self, endpoint: DjangoEndpoint) -> tuple[str, str]:
        """The field and the parameter by which a path names a row."""
        lookup = endpoint.lookup or {"field": "pk", "parameter": "pk"}
        field_name, parameter = str(lookup["field"]), str(lookup["parameter"])
        if endpoint.model and field_name != "pk":
            column, facts = self._tables.column_of(endpoint.model.table, field_name)
            self._tables.use(endpoint.model.table, column)
            field_name = "pk" if facts.primary_key else column
        return field_name, parameter

    def _callers(self, endpoint: DjangoEndpoint) -> Mapping[str, Code | None]:
        """The columns in which rows have the caller that made them, and the one that may see them."""
        assert endpoint.model is not None  # noqa: S101 - the caller has looked
        named = {"creator": endpoint.creator, "owner": endpoint.owner}
        table, column = endpoint.model.table, self._authenticators.caller_column
        return {name: quoted(found) for name, field in named.items() if (found := column(table, field))}

    def _rule(self, endpoints: Sequence[WrittenEndpoint]) -> Rule:
        given = self._authenticators.account_tables, self._tables
        rules = {each.endpoint.method: permission_of(each.endpoint, *given) for each in endpoints}
        for each in endpoints:
            each.gaps += rules[each.endpoint.method].gaps
        return permission_by_method(rules)

    def _serializers_text(self) -> str:
        module = Module(f"What {self.name.replace('_', ' ')} look like in requests and answers.", self._package)
        for written in self._serializers.written:
            text = written.text()
            module.add(text)
            module.use(f"{self._package}.models", *_classes(text))
            module.use("strangler_fastapi.drf.serializers", "Serializer")
            module.use_all(written.imports)
        for resource in self._used():
            text = self._resource_text(resource)
            module.add(text)
            module.use(f"{self._package}.models", resource.serializer.model)
            module.use("strangler_fastapi.drf.resources", "Resource")
            module.use_all(resource.lists.imports)
            if "related_column(" in text:
                module.use("strangler_fastapi.drf.links", "related_column")
        return module.text()

    def _resource_text(self, resource: _Resource) -> str:
        field_name, parameter = resource.lookup
        model, lists = resource.serializer.model, resource.lists
        annotations = {
            name: f'lambda: related_column({model}, "{path}")'
            for name, path in (resource.serializer.annotations | lists.annotations).items()
        }
        every = [name for name in dict.fromkeys(ACTIONS.values()) if name in resource.actions]
        return statement(
            resource.constant,
            call(
                "Resource",
                model,
                resource.serializer.constant,
                annotations=dictionary(annotations) if annotations else None,
                **lists.arguments,
                lookup_field=quoted(field_name) if field_name != "pk" else None,
                lookup_url_kwarg=quoted(parameter) if parameter != field_name else None,
                **resource.callers,
                actions=texts(every) if len(every) < len(set(ACTIONS.values())) else None,
            ),
        )

    def _used(self) -> list[_Resource]:
        """The resources that an endpoint without gaps uses."""
        return [each for each in self._resources.values() if each.actions and self._works(each)]

    def _works(self, resource: _Resource) -> bool:
        return any(self._resource_of(each) is resource for each in self.endpoints)

    def _resource_of(self, each: WrittenEndpoint) -> _Resource | None:
        if each.gaps:
            return None
        serializer = each.serializer or self._serializer_of_view(each.endpoint)
        return self._resources.get((each.endpoint.view, serializer.constant))

    def _router_text(self) -> str:
        module = Module(f"`{self.name}/…`, as Django answers it ({self._views}).", self._package)
        module.use(f"{self._package}.config", "PREFIXES")
        names = self._view_names()
        paths = {path: found for path, found in self._paths.items() if not any(each.token_view for each in found)}
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
        tokens = {each.token_view: each.endpoint.path for each in self.endpoints if each.token_view}
        paths = dictionary({action: quoted(path.removeprefix(self._prefix)) for action, path in tokens.items()})
        made = call("token_router", "PREFIXES", "TOKEN_TABLES", paths=paths, name=quoted(self.name))
        if tokens:
            module.use("strangler_fastapi.auth.token_views", "token_router")
            module.use(f"{self._package}.accounts", "TOKEN_TABLES")
        if has_views:
            module.use(_VIEW, "View", "feature_router")
            module.add(f'router = feature_router(PREFIXES, "{self.name}")')
            module.add(*([f"router.routes += {laid_out(made)}.routes"] if tokens else []), "")
        else:
            module.add(statement("router", made))

    def _view_names(self) -> dict[str, str]:
        """The variable of each path's view: the model where the path names a row, else its last segment."""
        names: dict[str, str] = {}
        for path, endpoints in self._paths.items():
            model = next(
                (each.endpoint.model.label.rpartition(".")[2] for each in endpoints if each.endpoint.model), ""
            )
            last = path.rstrip("/").rpartition("/")[2]
            name = snake(model) or f"{self.name}_one" if "{" in last else snake(last) or self.name
            reserved = {*names.values(), "router", *(each.route.name.replace(".", "_") for each in self.endpoints)}
            candidates = (name, f"{self.name}_{name}", *(f"{name}_{number}" for number in range(2, 100)))
            names[path] = next(each for each in candidates if each not in reserved)
        return names

    def _view_text(self, module: Module, name: str, path: str, endpoints: Sequence[WrittenEndpoint]) -> str:
        rule, first = self._rules[path], endpoints[0].endpoint
        django = [each for each in self._api.endpoints if each.path == path]
        methods = [method for method in _METHODS if any(each.method == method for each in django)]
        module.use("strangler_fastapi.drf.permissions", *rule.names)
        if rule.model:
            module.use(f"{self._package}.accounts", "MODEL_PERMISSIONS")
            module.use(f"{self._package}.models", rule.model)
        if rule.gaps:
            module.use("strangler_fastapi.drf.permissions", "not_ported")
        answered = next((each.serializer for each in endpoints if each.serializer and not each.serializer.reads), None)
        resource = next((found for each in endpoints if (found := self._resource_of(each))), None)
        finds = resource is not None and any(each.endpoint.method == "PUT" for each in endpoints if not each.gaps)
        serializers = f"{self._package}.{self.name}.serializers"
        if answered:
            module.use(serializers, answered.constant)
        if finds and resource:
            module.use(serializers, resource.constant)
        own = self._authenticators.of_view(first, module, self._package)
        return statement(
            name,
            call(
                "View",
                "router",
                quoted(path.removeprefix(self._prefix)),
                name=quoted(first.title or name),
                description=Text(first.description) if first.description else None,
                methods=texts(methods),
                permission=rule.code,
                authenticators=own,
                serializer=answered.constant if answered else None,
                find=f"{resource.constant}.find" if finds and resource else None,
            ),
        )

    def _endpoint_texts(self, module: Module, view: str, endpoints: Sequence[WrittenEndpoint]) -> Iterator[str]:
        done: set[str] = set()
        for each in endpoints:
            resource = self._resource_of(each)
            if resource is None:
                yield _gap_text(view, each)
                continue
            if each.route.name in done:
                continue
            done.add(each.route.name)
            same = [other for other in endpoints if other.route.name == each.route.name and self._resource_of(other)]
            module.use("fastapi", "Request")
            module.use("starlette.responses", "Response")
            module.use("strangler_fastapi.db.session", "Session")
            module.use(f"{self._package}.{self.name}.serializers", resource.constant)
            decorators = [self._decorator(module, view, other, resource) for other in same]
            yield self._function_text(each, resource, decorators)

    def _decorator(self, module: Module, view: str, each: WrittenEndpoint, resource: _Resource) -> str:
        method = _CALLS[each.endpoint.action or ""][0]
        named: dict[str, Code] = {}
        if each.endpoint.action == "list":
            paged = resource.lists.arguments["pagination"] != "None"
            if paged:
                module.use("strangler_fastapi.drf.pagination", "Page")
            named = {"many": "Page" if paged else "list", "query": f"{resource.constant}.query"}
            named |= {"pages": f"{resource.constant}.pages"} if paged else {}
            named |= {"gaps": texts(each.limits)} if each.limits else {}
        elif each.endpoint.action == "retrieve":
            named = {"query": f"{resource.constant}.query"}
        elif each.endpoint.action == "create":
            named = {"status": "201"}
        return "@" + statement_call(f"{view}.{method}", named)

    def _function_text(self, each: WrittenEndpoint, resource: _Resource, decorators: Sequence[str]) -> str:
        _, method, sentence = _CALLS[each.endpoint.action or ""]
        table = self._contract.tables[resource.serializer.facts.table or ""]
        noun = table.verbose_name or snake(resource.serializer.model)
        article = "an" if noun[:1].lower() in "aeiou" else "a"
        text = sentence.format(feature=self.name.replace("_", " "), a=article, noun=noun)
        lines = [
            *decorators,
            f"async def {each.route.name.replace('.', '_')}(request: Request, session: Session) -> Response:",
            f'    """{text}"""',
            f"    return await {resource.constant}.{method}(request, session)",
        ]
        return "\n".join(lines) + "\n"

    def _statements_text(self) -> str:
        module = Module("What the feature sends to the database, with samples of values.", self._package)
        identifies = any(each.endpoint.authenticators for each in self.endpoints) and self._authenticators.identifies
        sent = [f"{each.constant}.statements()" for each in self._used()]
        if identifies:
            module.use(f"{self._package}.accounts", "identity_statements")
            sent.insert(0, "identity_statements()")
        for each in self._used():
            module.use(f"{self._package}.{self.name}.serializers", each.constant)
        own = {
            "MODEL_PERMISSIONS": any(rule.model for rule in self._rules.values()),
            "TOKEN_TABLES": any(each.token_view for each in self.endpoints),
        }
        for name in (name for name, is_used in own.items() if is_used):
            module.use(f"{self._package}.accounts", name)
            sent.append(f"{name}.statements()")
        module.use("collections.abc", "Iterator")
        module.use("shared_schema.consumer.samples", "Sent")
        body = "".join(f"    yield from {each}\n" for each in sent) or "    return iter(())\n"
        head = "def feature_statements() -> Iterator[Sent]:\n"
        module.add("", f'{head}    """Every statement that the feature can send."""\n{body}')
        return module.text()


def _gap_text(view: str, each: WrittenEndpoint) -> str:
    gaps = tuple(map(quoted, dict.fromkeys(each.gaps)))
    return statement_call(f"{view}.gap", {}, quoted(each.endpoint.method), *gaps) + "\n"


def statement_call(head: str, named: Mapping[str, Code], *arguments: str) -> str:
    """A call on lines of its own."""
    return laid_out(call(head, *arguments, **named), indent=0)


def _classes(text: str) -> set[str]:
    """The mapped classes that a serializer's code names."""
    return set(re.findall(r"(?:model_fields?|many_related_field|foreign_key|many_to_many)\(\s*(\w+)", text))
