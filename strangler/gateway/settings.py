"""nginx's settings besides the routes: addresses, limits, trusted proxies."""

import re
from dataclasses import dataclass, replace
from ipaddress import ip_network

from strangler.errors import UsageError
from strangler.project import Project

_SOCKET = "unix:"
_ADDRESS = re.compile(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9a-fA-F:.]+\](:[0-9]+)?")
_PATH = re.compile(r"[A-Za-z0-9._/-]*")
_SIZE = re.compile(r"[1-9][0-9]{0,8}[km]?")
# No zone (fe80::1%eth0): Python takes whatever stands behind the per cent for one, and nginx none.
_NETWORK = re.compile(r"[0-9a-fA-F:.]+(/[0-9]+)?")
_CLAIM = re.compile(r"[A-Za-z0-9_.:/-]*")
_WORD = re.compile(r"[A-Za-z0-9_-]*")
_URL_PATH = re.compile(r"/[A-Za-z0-9._~/?=&%-]*")
_PROCESSES = re.compile(r"auto|[1-9][0-9]{0,2}")
# In nginx's folder, where strangler up writes it.
METRICS_FILE = "metrics.prom"
LOOPBACK = ("127.0.0.0/8", "::1")
_ACCOUNT = re.compile(r"[A-Za-z0-9._-]+( [A-Za-z0-9._-]+)?")


@dataclass(frozen=True, kw_only=True)
class CallerKey:
    """What tells callers apart: a claim of the token behind `scheme`, else a cookie, else the address.

    Without a claim the token is opaque. nginx knows it, and the cookie, by a hash alone, with the key CALLER_KEY of its
    environment.
    """

    claim: str = "user_id"
    scheme: str = "Bearer"
    cookie: str = ""

    @classmethod
    def of(cls, project: Project) -> "CallerKey":
        """What the project file says; a project in which nobody signs in has the address alone."""
        if (sign_in := project.sign_in) is None:
            return cls()
        return cls(claim=sign_in.claim, scheme=sign_in.scheme, cookie=sign_in.cookie)

    @property
    def is_hashed(self) -> bool:
        """Whether nginx needs the key."""
        return not self.claim or bool(self.cookie)


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """Where nginx listens and where the stacks do.

    `tls_listen` is where clients speak TLS, with the PEM files `certificate` (the chain) and `certificate_key`. All
    addresses and the upstreams are in nginx's own terms (`127.0.0.1:8080`, `8080`, `django:8001`). `body_size` is the
    largest request body (`2m`: mebibytes). `trusted_proxies` are CIDR networks whose `X-Forwarded-For` and
    `X-Forwarded-Proto` are believed, `stack_header_networks` those whose callers may choose a stack by `X-Stack`.
    `user` is the account of nginx's workers, None where nginx is not root's. `shadow_server` is where shadowed requests
    are reported: `unix:` and a socket, or an address by UDP; empty where nobody takes them. `resolver` is a file that
    names the name servers; with it, the upstreams are names that are looked up again while nginx runs. `modules` are
    files that nginx loads. `writable` is the folder of what nginx writes besides logs, empty for its own.
    `shutdown_seconds` is how long an old worker goes on with the requests that it has, `processes` how many workers
    there are. `caller` says how a caller is identified.
    `welcome`: `/` has a page of links where Django answers 404. `fallback_connections`: so many reads that fall back
    may be under way in Django at once. `fastapi_health` is the path that FastAPI, once it was ejected, is probed at;
    `operator_networks` are those that may read what the gateway says of itself. With `without_django` FastAPI answers
    all that isn't gone. `metrics` is the file of Prometheus' text, empty where nobody writes it. `django_requests` and
    `fastapi_requests` are the most that a stack may have under way, those that wait included; 0 is any number. Streams
    and reads of `probes`, the health checks, are not counted: a path with any query, or with the one that it has.
    With `browsable` a browser that reads v1 gets Django's page of it, whoever answers other clients.
    `board` is the address of `strangler board`, empty where the front door hasn't got it. `service_metrics`: both
    stacks answer /metrics, which operators may read here. `log_name` is a second access log, without `.log` at its end,
    which is made anew within two seconds where somebody renames it; empty for none. `tracing`: requests bear a W3C
    trace context. `elsewhere` are stacks and the addresses that a deploy has their requests sent to for a while;
    meanwhile `homes` are their own. `watch_listen` is where nginx tells whoever counts its log whether FastAPI is
    ejected; empty where that is done on nginx's own machine.

    Raises:
        UsageError: a value has characters that would mean something else to nginx.
    """

    listen: tuple[str, ...]
    django: str
    fastapi: str
    caller: CallerKey = CallerKey()
    tls_listen: tuple[str, ...] = ()
    certificate: str = ""
    certificate_key: str = ""
    access_log: str = "access.log"
    body_size: str = "2m"
    trusted_proxies: tuple[str, ...] = ()
    stack_header_networks: tuple[str, ...] = ()
    user: str | None = None
    shadow_server: str = "unix:shadow.sock"
    resolver: str = ""
    modules: tuple[str, ...] = ()
    writable: str = ""
    shutdown_seconds: int = 60
    processes: str = "auto"
    welcome: bool = False
    fallback_connections: int = 16
    fastapi_health: str = "/"
    operator_networks: tuple[str, ...] = LOOPBACK
    without_django: bool = False
    metrics: str = ""
    django_requests: int = 0
    fastapi_requests: int = 0
    probes: tuple[str, ...] = ()
    browsable: bool = False
    board: str = ""
    service_metrics: bool = False
    log_name: str = ""
    tracing: bool = False
    elsewhere: tuple[tuple[str, str], ...] = ()
    homes: tuple[tuple[str, str], ...] = ()
    watch_listen: str = ""

    def __post_init__(self) -> None:
        sockets = [self.shadow_server.removeprefix(_SOCKET)] if self.shadow_server.startswith(_SOCKET) else []
        files = (self.certificate, self.certificate_key, self.access_log, self.log_name, self.metrics)
        paths = (*files, *sockets, self.resolver, self.writable, *self.modules)
        others = (self.board, "" if sockets else self.shadow_server)
        listens = (*self.listen, *self.tls_listen, *filter(None, [self.watch_listen]))
        addresses = (*listens, *self.upstreams, *filter(None, others))
        for pattern, values, hint in (
            (_ADDRESS, addresses, "write an address such as 127.0.0.1:8080"),
            (_PATH, paths, "use letters, digits and . _ / - only"),
            (_URL_PATH, (*self.probes, self.fastapi_health), "write a path of a URL, such as /health/"),
            (_SIZE, (self.body_size,), "write a size such as 512k or 2m"),
            (_ACCOUNT, () if self.user is None else (self.user,), "write a user, or a user and a group"),
            (_PROCESSES, (self.processes,), "write a number of workers, or auto"),
            (_CLAIM, (self.caller.claim,), "name a claim such as user_id"),
            (_WORD, (self.caller.scheme, self.caller.cookie), "use letters, digits and _ - only"),
        ):
            for value in values:
                if not pattern.fullmatch(value):
                    raise UsageError(f"{value!r} can't stand in nginx's configuration", hint)
        for network in (*self.trusted_proxies, *self.stack_header_networks, *self.operator_networks):
            if not _is_network(network):
                raise UsageError(f"nginx can't trust {network!r}", "write a network such as 10.0.0.0/8")

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The addresses of the stacks."""
        return (self.django, self.fastapi, *(address for _stack, address in self.elsewhere))

    @property
    def moved(self) -> "GatewaySettings":
        """The same, with the addresses of `elsewhere` as the stacks' own."""
        at, own = dict(self.elsewhere), {"django": self.django, "fastapi": self.fastapi}
        homes = tuple((stack, own[stack]) for stack in at)
        now = own | at
        return replace(self, elsewhere=(), homes=homes, django=now["django"], fastapi=now["fastapi"])


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return _NETWORK.fullmatch(text) is not None


def container_gateway(
    *,
    django: str,
    fastapi: str,
    caller: CallerKey = CallerKey(),
    trusted_proxies: tuple[str, ...] = (),
    stack_header_networks: tuple[str, ...] = (),
    operator_networks: tuple[str, ...] = (),
    board: str = "",
    body_size: str = "2m",
    fastapi_health: str = "/",
    django_requests: int = 0,
    fastapi_requests: int = 0,
    probes: tuple[str, ...] = (),
    service_metrics: bool = False,
    tracing: bool = False,
    browsable: bool = False,
) -> GatewaySettings:
    """The gateway of docker-compose.yml: `django` and `fastapi` are the services' addresses there."""
    return GatewaySettings(
        # Engines publish the port by IPv4, and a kernel without IPv6 would refuse to listen.
        listen=("8080",),
        django=django,
        fastapi=fastapi,
        caller=caller,
        access_log="/dev/stdout",
        trusted_proxies=trusted_proxies,
        stack_header_networks=stack_header_networks,
        operator_networks=(*LOOPBACK, *operator_networks),
        board=board,
        body_size=body_size,
        fastapi_health=fastapi_health,
        django_requests=django_requests,
        fastapi_requests=fastapi_requests,
        probes=probes,
        service_metrics=service_metrics,
        browsable=browsable,
        # In memory, and bounded: docker-compose.yml. Who counts reads it there.
        log_name="/log/access" if service_metrics else "",
        # Not published: docker-compose.yml.
        watch_listen="8081" if service_metrics else "",
        tracing=tracing,
        shadow_server="unix:/run/shadow/shadow.sock",
        # A container that is made anew gets another address.
        resolver="/etc/nginx/resolver.conf",
        modules=("/usr/lib/nginx/modules/ngx_http_js_module.so",),
        # The root file system is read-only.
        writable="/tmp/",  # noqa: S108 - a memory file system of the container's own
        # docker-compose.yml gives the container 30 s to end.
        shutdown_seconds=25,
    )
