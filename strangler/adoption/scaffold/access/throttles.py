"""What counts the requests of a service's views, as code: DRF's throttles, in the table that Django counts in."""

from collections.abc import Iterator
from typing import Final

from shared_schema.throttling import TABLE
from strangler.adoption.access_facts import ThrottleFacts
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.scaffold.code import Call, Code, Items, call, quoted, statement
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import Tables, UnreadableError, snake

_MODULE: Final = "strangler_fastapi.drf.views.throttles"
_CLASSES: Final = {"anon": "AnonRateThrottle", "user": "UserRateThrottle", "scoped": "ScopedRateThrottle"}
_FORMAT: Final = "throttle_%(scope)s_%(ident)s"
_APP: Final = "strangler_django.throttling"


class Throttles:
    """The throttles of a project, each of which is a constant of the service's module `throttles`."""

    def __init__(self, api: DjangoApi, tables: Tables) -> None:
        self._api = api
        self._tables = tables
        self._num_proxies = api.settings.num_proxies
        self._constants: dict[Call, str] = {}
        for endpoint in api.endpoints:
            for facts in endpoint.throttle_rates or ():
                if self._gap(facts) is None:
                    self._name(facts)

    @property
    def are_used(self) -> bool:
        """Whether the service has any."""
        return bool(self._constants)

    def gaps(self, endpoint: DjangoEndpoint) -> Iterator[str]:
        """Why the requests of an endpoint can't be counted."""
        if endpoint.throttles and endpoint.throttle_rates is None:
            yield from (f"throttle {name} can't be read without a request" for name in endpoint.throttles)
            return
        rates = endpoint.throttle_rates or ()
        yield from (gap for facts in rates for gap in (self._gap(facts),) if gap)
        first = next(each for each in self._api.endpoints if each.path == endpoint.path)
        if (first.throttle_rates or ()) != rates:
            yield f"throttles that {first.method} of the same path hasn't"

    def of_view(self, endpoint: DjangoEndpoint, module: Module, package: str) -> Code | None:
        """The throttles of a path; None where it has none, or where they are a gap of each method."""
        facts = endpoint.throttle_rates or ()
        if not facts or any(map(self._gap, facts)):
            return None
        names = tuple(self._name(each) for each in facts)
        module.use(f"{package}.throttles", *names)
        return Items("()", names)

    def module_text(self, package: str) -> str:
        """The module of the constants."""
        module = Module("How many requests callers may send, counted with Django's in one table.", package)
        name = self._tables.use(TABLE, "cache_key", "history", "expires")
        module.use(_MODULE, "Histories")
        module.use(f"{package}.models", name)
        module.add(statement("HISTORIES", call("Histories", name)))
        for made, constant in self._constants.items():
            module.use(_MODULE, made.head)
            module.add(statement(constant, made))
        return module.text()

    def _name(self, facts: ThrottleFacts) -> str:
        """The constant; those of the same code are one."""
        made = self._made(facts)
        if made not in self._constants:
            name = f"{snake(facts.scope or facts.kind)}_throttle".upper()
            names = (name, *(f"{name}_{number}" for number in range(2, 1_000)))
            self._constants[made] = next(each for each in names if each not in self._constants.values())
        return self._constants[made]

    def _made(self, facts: ThrottleFacts) -> Call:
        is_usual = facts.cache_format == _FORMAT
        return call(
            _CLASSES[facts.kind if is_usual or facts.kind != "scoped" else "user"],
            "HISTORIES",
            quoted(facts.rate),
            scope=None if facts.scope == facts.kind else quoted(facts.scope),
            num_proxies=None if self._num_proxies is None else str(self._num_proxies),
            cache_format=None if is_usual else quoted(facts.cache_format),
        )

    def _gap(self, facts: ThrottleFacts) -> str | None:
        """Why a throttle can't be written; None where it can."""
        if facts.kind not in _CLASSES or facts.overridden or not facts.scope or not facts.rate:
            return f"throttle {facts.path} is your own"
        if not facts.shared:
            return f"throttle {facts.path} counts in a cache of Django's: put {_APP} into INSTALLED_APPS"
        try:
            self._tables.use(TABLE, "cache_key", "history", "expires")
        except UnreadableError as gap:
            return f"throttle {facts.path}: {gap}"
        return None
