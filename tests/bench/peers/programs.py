"""The peers as programs: how each is started, where it answers, and the packages that only it needs."""

import http.client
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strangler.deployment.local_stack import LocalStack
from strangler.local.ports import port_free_pick
from strangler.local.process import Program
from strangler.local.services import Probe, Service, stack_environment
from strangler.routes.route import Stack
from strangler.settings import HOST, base_environment
from tests.bench.stack import FOLDER
from tests.contract.comparing import V1, V2
from tests.example import ROOT

REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
_PACKAGES: Final = FOLDER / "peers"
_MODULES: Final = {
    "limit": "tests.bench.peers.limit",
    "FastAPI + asyncpg by hand": "tests.bench.peers.fastapi_asyncpg",
    "Litestar + asyncpg": "tests.bench.peers.litestar_asyncpg",
    "FastAPI + SQLAlchemy's ORM": "tests.bench.peers.fastapi_orm",
    "django-ninja": "tests.bench.peers.django_ninja",
}
LIMIT: Final = "limit"
DRF: Final = "v1 (DRF)"
V2_NAME: Final = "v2"


@dataclass(frozen=True, kw_only=True)
class Server:
    """Who is measured: its address without nginx, what its paths begin with, and the process that answers."""

    name: str
    url: str
    prefix: str
    pid: int


def servers_start(stack: LocalStack, names: tuple[str, ...] = ()) -> list[Server]:
    """Both stacks of a running stack, and each peer (of `names`, if any are given), started beside them.

    :raises StranglerError: a peer can't be started.
    """
    services = stack.state.services
    found = [
        Server(name=DRF, url=stack.django_url, prefix=V1, pid=services["django"].pid),
        Server(name=V2_NAME, url=stack.fastapi_url, prefix=V2, pid=services["fastapi"].pid),
    ]
    modules = {name: module for name, module in _MODULES.items() if not names or name in names}
    if len(modules) > 1:
        _packages_install(stack)
    for name, module in modules.items():
        service = _service(stack, name, module)
        keeper = stack.children.start(service)
        stack.children.wait_until_ready([service])
        assert keeper.child is not None
        host, port, _ = service.listens
        found.append(Server(name=name, url=f"http://{host}:{port}", prefix=V2, pid=keeper.child.pid))
    return found


def _service(stack: LocalStack, name: str, module: str) -> Service:
    port = port_free_pick()
    is_django = module.endswith("django_ninja")
    server = ("gunicorn", f"{module}:application", "--config", "django_app/config/gunicorn.py")
    own = stack_environment(stack.settings, stack.connections, Stack.DJANGO) if is_django else base_environment()
    environment = {
        "BIND": f"{HOST}:{port}",
        "PEER_DATABASE_URL": stack.fastapi_dsn,
        "PEER_JWT_KEY": stack.connections.jwt_signing_key,
        "PEER_PORT": str(port),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(_PACKAGES))),
    }
    return Service(
        name=module.rpartition(".")[2],
        argv=(sys.executable, "-m", *(server if is_django else (module,))),
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


def _packages_install(stack: LocalStack) -> None:
    """The packages that only peers need, in a folder of their own.

    :raises FailedError: they can't be had.
    """
    marker = _PACKAGES / ".installed"
    wanted = REQUIREMENTS.read_text()
    if marker.is_file() and marker.read_text() == wanted:
        return
    # What they need besides is the project's own, at its versions.
    options = ("-q", "--no-deps", "--target", str(_PACKAGES), "-r", str(REQUIREMENTS))
    argv = (sys.executable, "-m", "uv", "pip", "install", *options)
    stack.children.run(Program(name="peers", argv=argv, env=dict(os.environ), cwd=ROOT))
    marker.write_text(wanted)
