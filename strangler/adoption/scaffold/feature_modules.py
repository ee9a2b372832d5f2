"""The modules of a feature's folder: serializers, router, statements, as short as if they were written by hand."""

import re
from collections.abc import Iterator

from strangler.adoption.scaffold.code import Code, Items, call, dictionary, quoted, statement, texts
from strangler.adoption.scaffold.effects import effects_text
from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.gaps import ACTIONS, USUAL_ACTIONS
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.router_module import RouterModule
from strangler.adoption.scaffold.saving import saving_functions, saving_text
from strangler.adoption.scaffold.written_endpoint import WrittenResource


class FeatureModules:
    """Writes a feature."""

    def __init__(self, feature: FeatureScaffold) -> None:
        self._feature = feature

    def modules(self) -> Iterator[tuple[str, str]]:
        """The name and the text of each file in the folder."""
        yield (
            "__init__.py",
            f'"""{self._feature.name.replace("_", " ").capitalize()}, as Django has them ({self._feature.views})."""\n',
        )
        if self._feature.serializers.written:
            yield "serializers.py", self._serializers_text()
        named = [(self._effects_constant(each), self._feature.effects(each)) for each in self._feature.resources.used()]
        if text := effects_text(self._feature.name, self._feature.package, named):
            yield "effects.py", text
        if text := saving_text(self._feature.name, self._feature.package, self._feature.resources.used()):
            yield "service.py", text
        if text := self._feature.own_permissions.module_text(self._feature.name):
            yield "permissions.py", text
        yield "router.py", RouterModule(self._feature).text()
        yield "statements.py", self._statements_text()

    def _serializers_text(self) -> str:
        module = Module(
            f"What {self._feature.name.replace('_', ' ')} look like in requests and answers.", self._feature.package
        )
        for written in self._feature.serializers.written:
            text = written.text()
            module.add(text)
            module.use(f"{self._feature.package}.models", *_classes(text))
            module.use("strangler_fastapi.drf.serializers", "Serializer")
            module.use_all(written.imports)
        links = {link.constant: link for resource in self._feature.resources.used() for link in resource.links}
        for link in links.values():
            module.add(statement(link.constant, link.code()))
            module.use(f"{self._feature.package}.models", link.model)
            module.use("strangler_fastapi.drf.resources.caller_links", "CallerLink")
        for resource in self._feature.resources.used():
            text = self._resource_text(resource)
            module.add(text)
            classes = {resource.serializer.model, *resource.lists.classes, *_classes(text)}
            module.use(f"{self._feature.package}.models", *classes)
            module.use("strangler_fastapi.drf.resources.resources", "Resource")
            module.use_all(resource.lists.imports)
            if self._feature.effects(resource):
                module.use(f"{self._feature.package}.{self._feature.name}.effects", self._effects_constant(resource))
            module.use(f"{self._feature.package}.{self._feature.name}.service", *saving_functions(resource).values())
            names = (name for name in ("NestedCreate", "NestedUpdate") if f"{name}(" in text)
            module.use("strangler_fastapi.drf.resources.nested_writes", *names)
            if "related_column(" in text:
                module.use("strangler_fastapi.drf.links", "related_column")
        return module.text()

    def _resource_text(self, resource: WrittenResource) -> str:
        field_name, parameter = resource.lookup
        model, lists = resource.serializer.model, resource.lists
        annotations: dict[str, Code] = {
            name: f'lambda: related_column({model}, "{path}")' for name, path in lists.annotations.items()
        }
        annotations |= lists.numbers
        every = [name for name in dict.fromkeys(ACTIONS.values()) if name in resource.actions]
        return statement(
            resource.constant,
            call(
                "Resource",
                model,
                resource.serializer.constant,
                answers=resource.answers.constant if resource.answers else None,
                annotations=dictionary(annotations) if annotations else None,
                **lists.arguments,
                lookup_field=quoted(field_name) if field_name != "pk" else None,
                lookup_url_kwarg=quoted(parameter) if parameter != field_name else None,
                **resource.callers,
                parents=Items("()", resource.parents) if resource.parents else None,
                **{f"perform_{action}": name for action, name in saving_functions(resource).items()},
                **{f"perform_{action}": code for action, code in resource.nested.items()},
                performed=dictionary({action: texts(each) for action, each in resource.performed.items()})
                if resource.performed
                else None,
                given=dictionary({action: dictionary(each) for action, each in resource.given.items() if each})
                if any(resource.given.values())
                else None,
                effects=self._effects_constant(resource) if self._feature.effects(resource) else None,
                caller_links=Items("()", tuple(each.constant for each in resource.links)) if resource.links else None,
                checked=texts(sorted(resource.checked)) if resource.checked else None,
                model_name=quoted(resource.model_name) if resource.model_name else None,
                name=quoted(resource.constant.lower()) if len(self._feature.resources.used()) > 1 else None,
                actions=None if tuple(every) == USUAL_ACTIONS else texts(every),
            ),
        )

    @staticmethod
    def _effects_constant(resource: WrittenResource) -> str:
        return f"{resource.constant}_EFFECTS"

    def _statements_text(self) -> str:
        module = Module("What the feature sends to the database, with samples of values.", self._feature.package)
        identifies = (
            any(each.endpoint.authenticators for each in self._feature.endpoints)
            and self._feature.authenticators.identifies
        )
        sent = [f"{each.constant}.statements()" for each in self._feature.resources.used()]
        if identifies:
            module.use(f"{self._feature.package}.accounts", "identity_statements")
            sent.insert(0, "identity_statements()")
        for each in self._feature.resources.used():
            module.use(f"{self._feature.package}.{self._feature.name}.serializers", each.constant)
        own = {
            "MODEL_PERMISSIONS": self._feature.own_permissions.asks_tables
            or any(rule.model for rule in self._feature.rules.values()),
            "TOKEN_TABLES": any(each.token_view for each in self._feature.endpoints),
            "AUTH_TOKENS": any(each.gives_token for each in self._feature.endpoints),
        }
        for name in (name for name, is_used in own.items() if is_used):
            module.use(f"{self._feature.package}.accounts", name)
            sent.append(f"{name}.statements()")
        module.use(f"{self._feature.package}.{self._feature.name}.permissions", *self._feature.own_permissions.stored)
        sent += [f"{name}.statements()" for name in self._feature.own_permissions.stored]
        if any(each.endpoint.throttle_rates for each in self._feature.endpoints) and self._feature.throttles.are_used:
            module.use(f"{self._feature.package}.throttles", "HISTORIES")
            sent.append("HISTORIES.statements()")
        module.use("collections.abc", "Iterator")
        module.use("shared_schema.consumer.samples", "Sent")
        body = "".join(f"    yield from {each}\n" for each in sent) or "    return iter(())\n"
        head = "def feature_statements() -> Iterator[Sent]:\n"
        module.add("", f'{head}    """Every statement that the feature can send."""\n{body}')
        return module.text()


def _classes(text: str) -> set[str]:
    """The mapped classes that a serializer's code names."""
    named = re.findall(
        r"(?:model_fields?|many_related_field|foreign_key|many_to_many|MatchingRows|CallerKey|Parent|has_matching_rows)\(\s*(\w+)",
        text,
    )
    pairs = re.findall(r"(?:one_to_many|one_to_one|many_to_many_from)\(\s*(\w+),\s*(\w+)", text)
    return {*named, *(name for pair in pairs for name in pair)}
