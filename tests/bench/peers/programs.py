"""The peers as programs: how each is started, and where it answers."""

import http.client
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strangler.deployment.local_stack import LocalStack
from strangler.local.ports import port_free_pick
from strangler.local.services import Probe, Service, stack_environment
from strangler.routes.route import Stack
from strangler.settings import HOST, base_environment
from tests.contract.comparing import V1, V2
from tests.example import ROOT

DRF: Final = "DRF (v1)"
V2_NAME: Final = "v2"
V2_NGINX: Final = "v2 through nginx"
LIMIT: Final = "the limit"


def _uvicorn(module: str, _port: int) -> tuple[str, ...]:
    return ("-m", module)


def _granian(module: str, port: int) -> tuple[str, ...]:
    """One process with as many threads as DRF's gunicorn has."""
    threads = ("--workers", "1", "--blocking-threads", "4")
    address = ("--host", HOST, "--port", str(port))
    return ("-m", "granian", "--interface", "wsgi", *threads, *address, "--no-ws", f"{module}:application")


def _runbolt(_module: str, port: int) -> tuple[str, ...]:
    return ("-m", "django", "runbolt", "--host", HOST, "--port", str(port), "--processes", "1", "--no-admin")


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another answerer of the same requests.

    `argv` are the arguments of Python that start it, of its module and port. `needs` is a package that this Python may
    lack.
    """

    module: str
    argv: Callable[[str, int], tuple[str, ...]]
    is_django: bool = False
    needs: str = ""

    @property
    def is_there(self) -> bool:
        """Whether it can be started here."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None


PEERS: Final = {
    "DRF, tuned": Peer(module="drf_tuned", argv=_granian, is_django=True, needs="granian"),
    "django-ninja": Peer(module="django_ninja", argv=_granian, is_django=True, needs="ninja"),
    "django-bolt": Peer(module="bolt", argv=_runbolt, is_django=True, needs="django_bolt"),
    "FastAPI + SQLAlchemy's ORM": Peer(module="fastapi_orm", argv=_uvicorn),
    "FastAPI + asyncpg by hand": Peer(module="fastapi_asyncpg", argv=_uvicorn),
    "Litestar + asyncpg": Peer(module="litestar_asyncpg", argv=_uvicorn, needs="litestar"),
    LIMIT: Peer(module="limit", argv=_uvicorn),
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """Who is measured: its address, what its paths begin with, and the processes that answer."""

    name: str
    url: str
    prefix: str
    pids: tuple[int, ...]


def servers_start(stack: LocalStack, *, only_limit: bool = False) -> list[Server]:
    """Both stacks of a running stack, v2 behind nginx too, and each peer that is there, started beside them.

    With `only_limit` both stacks and the limit alone.

    :raises StranglerError: a peer can't be started.
    """
    pids = {name: record.pid for name, record in stack.state.services.items()}
    drf = Server(name=DRF, url=stack.django_url, prefix=V1, pids=(pids["django"],))
    v2 = Server(name=V2_NAME, url=stack.fastapi_url, prefix=V2, pids=(pids["fastapi"],))
    behind = Server(name=V2_NGINX, url=stack.proxy_url, prefix=V2, pids=(pids["fastapi"], pids["nginx"]))
    names = [name for name, peer in PEERS.items() if peer.is_there and (name == LIMIT or not only_limit)]
    peers = [_peer_start(stack, name, PEERS[name]) for name in names]
    return [drf, *peers, v2] if only_limit else [drf, *peers, behind, v2]


def _peer_start(stack: LocalStack, name: str, peer: Peer) -> Server:
    service = _service(stack, name, peer)
    keeper = stack.children.start(service)
    stack.children.wait_until_ready([service])
    assert keeper.child is not None
    host, port, _ = service.listens
    return Server(name=name, url=f"http://{host}:{port}", prefix=V2, pids=(keeper.child.pid,))


def _service(stack: LocalStack, name: str, peer: Peer) -> Service:
    port = port_free_pick()
    own = stack_environment(stack.settings, stack.connections, Stack.DJANGO) if peer.is_django else base_environment()
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.bench.peers.django_settings",
        "PEER_DATABASE_URL": stack.fastapi_dsn,
        "PEER_JWT_KEY": stack.connections.jwt_signing_key,
        "PEER_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    return Service(
        name=peer.module,
        argv=(sys.executable, *peer.argv(f"tests.bench.peers.{peer.module}", port)),
        env=own | environment,
        cwd=ROOT,
        listens=(HOST, port, name),
        probe=_AnyAnswer(host=HOST, port=port, path="/", host_header=HOST),
    )


@dataclass(frozen=True, kw_only=True)
class _AnyAnswer(Probe):
    """A peer has no page that says it is ready: it is, once it refuses."""

    def answers(self, *, timeout: float = 1.0) -> bool:
        """Whether it answers at all."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request("GET", self.path)
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True
