"""The project file's `[kubernetes]`: what `strangler render --target kubernetes` needs besides the rest of the file."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_QUANTITY: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:m|[kMGT]i?)?")
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_SERVICE: Final = re.compile(rf"(?P<name>{_LABEL})(?:\.(?P<namespace>{_LABEL}))?:(?P<port>[1-9][0-9]{{0,4}})")
_KEY: Final = re.compile(rf"(?P<name>{_NAME.pattern})/(?P<key>[A-Za-z0-9._-]+)")
# The shortest prefixes that one organisation owns, as for TRUSTED_PROXIES.
_WIDEST: Final = {4: 8, 6: 16}


def _matching(pattern: re.Pattern[str], hint: str) -> AfterValidator:
    def check(value: str) -> str:
        if value and not pattern.fullmatch(value):
            raise ValueError(hint)
        return value

    return AfterValidator(check)


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("write a network such as 10.0.0.0/8") from None
    return value


def _narrow(value: str) -> str:
    network = ip_network(_network(value))
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError("any client may forge its address: name the pods' own network, such as 10.244.0.0/16")
    return value


Label = Annotated[str, _matching(re.compile(_LABEL), 'write a name such as "shop": small letters, digits and -')]
Host = Annotated[str, _matching(_NAME, 'write a host name such as "api.example.com"'), Field(min_length=1)]
Image = Annotated[str, _matching(_IMAGE, 'write an image such as "registry.example.com/shop:1.4"')]
Quantity = Annotated[str, _matching(_QUANTITY, 'write a quantity such as "250m" or "512Mi"'), Field(min_length=1)]
SecretKey = Annotated[str, _matching(_KEY, 'write the name of a Secret and a key of it, such as "shop-db-app/uri"')]
ServiceAddress = Annotated[str, _matching(_SERVICE, 'write a Service with its port, such as "django.legacy:8000"')]
GatewayName = Annotated[
    str, _matching(re.compile(rf"{_LABEL}/{_LABEL}"), 'write the namespace and the name of a Gateway: "infra/public"')
]
Network = Annotated[str, AfterValidator(_network)]
NarrowNetwork = Annotated[str, AfterValidator(_narrow)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1, le=256)]
Seconds = Annotated[int, Field(ge=1, le=3600)]


class SecretReference(NamedTuple):
    """A key of a Secret."""

    name: str
    key: str


class ServiceReference(NamedTuple):
    """A Service that is there already; `namespace` is empty where it is the project's own."""

    name: str
    namespace: str
    port: int


class ClusterTable(BaseModel):
    """A table below `[kubernetes]`; a key that it doesn't know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PodsTable(ClusterTable):
    """Pods of one kind: their image, how many they are, and what each may use.

    `cpu` is requested and not limited, `memory` both. Their number grows from `replicas` to `max_replicas` while they
    use more than `cpu_percent` of the CPU that they have requested.
    """

    image: Image = ""
    replicas: Count = 2
    max_replicas: Count = 4
    cpu_percent: Annotated[int, Field(ge=1, le=100)] = 70
    cpu: Quantity = "250m"
    memory: Quantity = "512Mi"

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.max_replicas < self.replicas:
            raise ValueError("max_replicas is less than replicas: raise it")
        return self


class NginxTable(PodsTable):
    """nginx's pods. An old one has `drain_seconds` for the requests and streams that it has."""

    image: Image = "nginx:1.31"
    cpu: Quantity = "100m"
    memory: Quantity = "256Mi"
    workers: Count = 2
    drain_seconds: Seconds = 60


class StackTable(PodsTable):
    """A stack's pods, or with `service` the Service of those that run already.

    `workers`, `threads` and `pool` fill the project file's placeholders; `extra_connections` are what a process opens
    beside its pool. `live` is a path that is answered while the process is well, whatever becomes of the database;
    without it, a TCP connection has to do. The server's own time for open requests must be below `stop_seconds`.
    `secrets` are Secrets whose keys all become environment variables, `egress` networks that the pods may reach besides
    PostgreSQL.
    """

    service: ServiceAddress = ""
    port: Port = 8000
    workers: Count = 2
    threads: Count = 4
    pool: Count = 4
    extra_connections: Annotated[int, Field(ge=0, le=256)] = 0
    live: Annotated[str, _matching(re.compile(r"/\S*"), 'write a path such as "/health/live"')] = ""
    stop_seconds: Seconds = 30
    secrets: tuple[Label, ...] = ()
    egress: tuple[Network, ...] = ()

    @property
    def reference(self) -> ServiceReference | None:
        """The Service of what runs already."""
        found = _SERVICE.fullmatch(self.service)
        return ServiceReference(found["name"], found["namespace"] or "", int(found["port"])) if found else None


class SetupTable(ClusterTable):
    """What prepares the database: an image with `strangler`, whether Django migrates, and how long both may wait."""

    image: Image = ""
    migrate: bool = True
    wait_seconds: Seconds = 300


class PostgresTable(ClusterTable):
    """How PostgreSQL is reached and how many connections it allows.

    Its pods have `labels`, in `namespace` (empty: the project's own); or it is in the network `network`. Of its
    `max_connections`, `reserved` are nobody's of ours.
    """

    port: Port = 5432
    labels: Mapping[str, str] = Field(default_factory=dict)
    namespace: Label = ""
    network: Annotated[str, AfterValidator(lambda value: value and _network(value))] = ""
    max_connections: Annotated[int, Field(ge=1)] = 100
    reserved: Annotated[int, Field(ge=0)] = 3


class SecretsTable(ClusterTable):
    """Where secrets are: each is a key of a Secret. `database` is the address that the tables' owner uses.

    `caller_key` is nginx's, where it knows callers by a hash of their cookie or opaque token.
    """

    database: SecretKey = "strangler-database/url"
    fastapi_database: SecretKey = "strangler-fastapi-database/url"
    secret_key: SecretKey = "strangler-django/secret-key"  # noqa: S105 - where it is
    jwt_signing_key: SecretKey = "strangler-tokens/signing-key"
    caller_key: SecretKey = "strangler-nginx/caller-key"

    def reference(self, name: str) -> SecretReference:
        """Where that secret is."""
        secret, _, key = str(getattr(self, name)).partition("/")
        return SecretReference(secret, key)


class KubernetesTable(ClusterTable):
    """The cluster. `hosts` are the names that clients use; `gateway` is the Gateway in front, as NAMESPACE/NAME.

    `clients` are the namespaces from which requests come: the Gateway's or the Ingress controller's. `trusted_proxies`
    are the networks whose X-Forwarded-For counts, `stack_header_networks` those whose callers choose by X-Stack; in
    HTTPRoutes, with `stack_header`, every caller does. `api_server` are networks from which the API server asks nginx's
    pods for their version, where `clients` lets nobody else in. `monitoring` is the namespace of a Prometheus that
    reads the stacks' own figures. `shadow_rate` is how many samples a second the shadow worker compares, 0 for no
    worker; in HTTPRoutes, with `mirror`, the Gateway sends a copy of a route's `shadow` to FastAPI instead, and
    compares nothing. `backend_filters` is what the Gateway's implementation runs for one of several backends: no
    filters, those of headers, or all.
    """

    namespace: Label = ""
    # An HTTPRoute has room for 16.
    hosts: Annotated[tuple[Host, ...], Field(min_length=1, max_length=16)]
    gateway: GatewayName = ""
    clients: tuple[Label, ...] = ()
    cluster_domain: Host = "cluster.local"
    dns_namespace: Label = "kube-system"
    trusted_proxies: tuple[NarrowNetwork, ...] = ()
    stack_header_networks: tuple[NarrowNetwork, ...] = ()
    stack_header: bool = False
    api_server: tuple[NarrowNetwork, ...] = ()
    monitoring: Label = ""
    shadow_rate: Annotated[int, Field(ge=0, le=1000)] = 0
    mirror: bool = False
    backend_filters: Literal["none", "headers", "all"] = "none"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    statement_timeout: Annotated[int, Field(ge=0, le=3600)] = 10
    nginx: NginxTable = NginxTable()
    django: StackTable = StackTable()
    fastapi: StackTable = StackTable()
    setup: SetupTable = SetupTable()
    postgres: PostgresTable = Field(default_factory=PostgresTable)
    secrets: SecretsTable = SecretsTable()
