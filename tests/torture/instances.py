"""`make torture-instances`: five nginx, three FastAPI and three Django side by side, restarted and switched under load.

The containers are those of the rendered manifests, each on an address of its own of this machine; a name server knows
which are ready, as a cluster's does. Clients read and write. Exit codes: 0 nothing was lost, 1 something was.
"""

import asyncio
import itertools
import secrets
import shutil
import signal
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Annotated, Any, Final

import httpx
import psutil
import psycopg
import typer
from psycopg import sql

from strangler.cli.output import say
from strangler.kubernetes.cluster_project import cluster_project
from strangler.kubernetes.environment import manage_command
from strangler.kubernetes.manifest import Manifest
from strangler.kubernetes.nginx import START, STOP
from strangler.kubernetes.packed_texts import texts_of
from strangler.kubernetes.setup import grant_manifests
from strangler.local.ports import port_free_pick
from strangler.routes.route import Stack, Stage
from tests.bench.command import bench_run
from tests.bench.processes import cpu_seconds
from tests.clusters import manifests, of_kind, project_with, rendered, table_with
from tests.databases import OwnDatabase, empty_database
from tests.example import EXAMPLE
from tests.name_server import name_server
from tests.pods import NginxPod, Node, setup_mounts
from tests.servers import server_in
from tests.torture.callers import HOST, PORT, TAGS, Seen, call, reads, writes

NGINX: Final = 5
STACK: Final = 3
READ: Final = "tags.retrieve"
WRITE: Final = "posts.create"
_ROLE: Final = "instances_fastapi"
_PASSWORD: Final = "of the tests"
_USER: Final = "writer"
# Together as many as one stack has connections: nobody waits for another.
_READERS: Final = 8
_WRITERS: Final = 4
# What nginx and a name server remember, and a second: a cluster's pods have 15 s for that.
_LEAVE_SECONDS: Final = 5.0
_STEADY_SECONDS: Final = 10.0
_READY_SECONDS: Final = 90
_LOST: Final = 1
STAGES: Final = (
    {"stage": Stage.PARALLEL},
    {"stage": Stage.CANARY, "percent": 50},
    {"stage": Stage.MIGRATED},
)


@dataclass
class Instance:
    """A container on an address of its own."""

    address: str
    process: "Popen[Any]"
    pod: NginxPod | None = None


class Cluster:
    """What a cluster would run of the example; `ready` are the addresses of each kind that get requests."""

    def __init__(self, folder: Path, database: OwnDatabase) -> None:
        self.ready: dict[str, list[str]] = {"nginx": [], "django": [], "fastapi": []}
        self.names = {f"{stack}.blog.svc.cluster.local": self.ready[stack] for stack in Stack}
        self._folder = folder
        self._numbers = itertools.count(1)
        self._running: dict[str, list[Instance]] = {kind: [] for kind in self.ready}
        self._ended: list[Popen[Any]] = []
        self._ports = {stack: port_free_pick() for stack in Stack}
        changes = {str(stack): {"port": port, "workers": 1} for stack, port in self._ports.items()}
        self._project = project_with(EXAMPLE, nginx={"workers": 1}, **changes)
        found = manifests(rendered(self._project).base)
        self._containers = {str(stack): _container(found, str(stack)) for stack in Stack}
        (job,) = of_kind(found, "Job", "setup-")
        self._node = Node(
            secrets={
                ("blog-db-app", "uri"): database.owner_dsn,
                ("strangler-fastapi-database", "url"): database.dsn(_ROLE, _PASSWORD.replace(" ", "%20")),
                ("strangler-django", "secret-key"): secrets.token_urlsafe(48),
                ("strangler-tokens", "signing-key"): secrets.token_urlsafe(48),
            },
            mounts=setup_mounts(found, folder),
            log=folder / "pods.log",
        )
        self._finish(job)
        self._make_users()
        # What `strangler switch` has the cluster run before a route that writes moves.
        self._finish(grant_manifests(cluster_project(self._project), [WRITE])[1])
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute(
                "INSERT INTO tags (name) SELECT 'tag ' || number FROM generate_series(1, %s) AS number", [TAGS]
            )

    def _finish(self, job: Manifest) -> None:
        """Run a Job's containers, one after the other."""
        spec = job["spec"]["template"]["spec"]
        for each in (*spec.get("initContainers", ()), *spec["containers"]):
            assert self._node.finished(each) == 0, each["name"]

    def _make_users(self) -> None:
        """Somebody for each writer, so that a canary has some of them on either side."""
        command = manage_command(cluster_project(self._project), "createsuperuser", "--noinput")
        for number in range(_WRITERS):
            container = deepcopy(self._containers["django"]) | {"command": command}
            values = {"USERNAME": f"{_USER}{number}", "EMAIL": f"{_USER}{number}@example.com", "PASSWORD": _PASSWORD}
            container["env"] += [{"name": f"DJANGO_SUPERUSER_{name}", "value": each} for name, each in values.items()]
            assert self._node.finished(container) == 0, command

    def token(self, number: int) -> str:
        """An access token of a writer, by the front door."""
        url = f"http://{self.ready['nginx'][0]}:{PORT}/api/auth/token/"
        body = {"username": f"{_USER}{number}", "password": _PASSWORD}
        answer = httpx.post(url, json=body, headers={"Host": HOST}, timeout=30)
        return str(answer.raise_for_status().json()["access"])

    def start_stack(self, stack: Stack) -> None:
        """One more pod of a stack, which gets requests once it is ready."""
        address, kind = self._address(), str(stack)
        container = deepcopy(self._containers[kind])
        for each in container["env"]:
            if "value" in each:
                each["value"] = each["value"].replace("0.0.0.0", address)  # noqa: S104 - replaced
        running = Instance(address, self._node.run(container))
        self._running[kind].append(running)
        probe = container["readinessProbe"]["httpGet"]["path"]
        _until_ok(f"http://{address}:{self._ports[stack]}{probe}", running.process)
        self.ready[kind].append(address)

    def restart_stack(self, stack: Stack) -> None:
        """Replace each pod of a stack by a new one, one after the other."""
        for old in list(self._running[str(stack)]):
            self.start_stack(stack)
            self.ready[str(stack)].remove(old.address)
            time.sleep(_LEAVE_SECONDS)
            old.process.terminate()
            self._running[str(stack)].remove(old)
            self._ended.append(old.process)

    def replace_nginx(self, stage: dict[str, Any], *, names: str) -> None:
        """New pods of nginx at once, then an end to the old ones; see the strategy of its Deployment."""
        table = table_with(self._project, READ, WRITE, **stage)
        (configuration,) = of_kind(manifests(rendered(self._project, table=table).base), "ConfigMap", "nginx-")
        old = list(self._running["nginx"])
        for _ in range(NGINX):
            self._running["nginx"].append(self._nginx(configuration, names=names))
        new = self._running["nginx"][len(old) :]
        for each in new:
            _until_ok(f"http://{each.address}:{PORT}/gateway/version", each.process)
        time.sleep(1)
        self.ready["nginx"] += [each.address for each in new]
        for each in old:
            self.ready["nginx"].remove(each.address)
        time.sleep(1)
        for each in old:
            assert each.pod is not None
            # Without its own sleep: nobody here needs as long to forget an address.
            self._ended.append(each.pod.start(STOP.partition("\n")[2], log=self._node.log))
            self._ended.append(each.process)
            self._running["nginx"].remove(each)

    def _nginx(self, configuration: Manifest, *, names: str) -> Instance:
        address = self._address()
        data = {
            name: text.replace("listen 8080;", f"listen {address}:{PORT};")
            for name, text in texts_of(configuration).items()
        }
        pod = NginxPod(self._folder / address, data)
        resolver = pod.folder / "tmp" / "resolver.conf"
        resolver.write_text(f"resolver {names} valid=2s ipv6=off;\n")
        start = START[START.index("# As many") :].replace("daemon off;", "daemon off; user root;")
        return Instance(address, pod.start(start, log=self._node.log), pod)

    def _address(self) -> str:
        number = next(self._numbers)
        return f"127.7.{number // 250}.{number % 250 + 1}"

    def cpu_seconds(self) -> dict[str, float]:
        """What each kind has used of the cores."""
        return {kind: cpu_seconds(self._mains(kind)) for kind in self._running}

    def memory(self) -> dict[str, float]:
        """MiB of a pod of each kind that it shares with nobody."""
        return {
            kind: sum(
                each.memory_full_info().uss
                for main in self._mains(kind)
                for each in (main, *main.children(recursive=True))
            )
            / (len(running) << 20)
            for kind, running in self._running.items()
        }

    def _mains(self, kind: str) -> list[psutil.Process]:
        return [psutil.Process(each.process.pid) for each in self._running[kind]]

    def ended(self) -> list[int]:
        """How the replaced ones have ended; waits for them."""
        codes = [process.wait(timeout=_READY_SECONDS) for process in self._ended]
        self._ended = []
        return codes

    def close(self) -> None:
        """End all that runs."""
        left = [*self._ended, *(each.process for group in self._running.values() for each in group)]
        for process in left:
            process.terminate()
        for process in left:
            with suppress(TimeoutError):
                process.wait(timeout=_READY_SECONDS)


def _container(found: list[Manifest], name: str) -> Manifest:
    (one,) = of_kind(found, "Deployment", name)
    container: Manifest = one["spec"]["template"]["spec"]["containers"][0]
    return container


def _until_ok(url: str, process: "Popen[Any]") -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        with suppress(httpx.TransportError):
            if httpx.get(url, headers={"Host": HOST}, timeout=4).status_code == httpx.codes.OK:
                return
        assert process.poll() is None, f"{url}: ended with {process.returncode}"
        assert time.monotonic() < deadline, url
        time.sleep(0.1)


async def _rounds(cluster: Cluster, seen: Seen, *, names: str, requests: int, seconds: float) -> Counter[str]:
    done: Counter[str] = Counter()
    deadline = time.monotonic() + seconds
    stages = itertools.cycle((STAGES[2], STAGES[1], STAGES[0], STAGES[1]))
    while seen.sent < requests and time.monotonic() < deadline:
        await asyncio.to_thread(cluster.replace_nginx, next(stages), names=names)
        done["switches, each of all five nginx"] += 1
        for stack in (Stack.FASTAPI, Stack.DJANGO):
            await asyncio.to_thread(cluster.restart_stack, stack)
            done[f"rolling restarts of {stack}"] += 1
            await asyncio.to_thread(cluster.replace_nginx, next(stages), names=names)
            done["switches, each of all five nginx"] += 1
    return done


async def _steady(cluster: Cluster, seen: Seen) -> list[str]:
    """What a request costs each kind, while nothing changes."""
    before, costs = seen.by_stack(), cluster.cpu_seconds()
    await asyncio.sleep(_STEADY_SECONDS)
    answers = seen.by_stack() - before
    answers["nginx"] = answers.total()
    after = await asyncio.to_thread(cluster.cpu_seconds)
    memory = await asyncio.to_thread(cluster.memory)
    return [
        f"{kind}: {1000 * (after[kind] - costs[kind]) / answers[kind]:.2f} ms of a core for a request "
        f"({answers[kind]:,} in {_STEADY_SECONDS:.0f} s), {memory[kind]:.0f} MiB a pod"
        for kind in after
        if answers[kind]
    ]


async def _measured(cluster: Cluster, *, names: str, requests: int, seconds: float) -> tuple[Seen, list[str]]:
    seen, over = Seen(), asyncio.Event()
    tokens = [await asyncio.to_thread(cluster.token, number) for number in range(_WRITERS)]
    asked = [*map(reads, range(_READERS)), *(writes(number, token) for number, token in enumerate(tokens))]
    ready = cluster.ready["nginx"]
    tasks = [asyncio.create_task(call(number, each, ready, seen, over)) for number, each in enumerate(asked)]
    try:
        lines = await _steady(cluster, seen)
        done = await _rounds(cluster, seen, names=names, requests=requests, seconds=seconds)
    finally:
        over.set()
        await asyncio.gather(*tasks)
    return seen, [*lines, ", ".join(f"{number} {what}" for what, number in done.items())]


def instances(
    requests: Annotated[int, typer.Option(min=1, help="Go on until so many were sent.")] = 200_000,
    minutes: Annotated[float, typer.Option(min=0.1, help="Or until so long has passed.")] = 20.0,
) -> None:
    """Restart and switch instances side by side under load."""
    begun = time.monotonic()
    with ExitStack() as running:
        folder = Path(tempfile.mkdtemp(prefix="strangler-instances-"))
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        server = running.enter_context(server_in(folder, "postgres"))
        with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(_ROLE), _PASSWORD))
        database = running.enter_context(empty_database(admin_dsn=server.admin_dsn, name="instances"))
        cluster = Cluster(folder, database)
        running.callback(cluster.close)
        names = running.enter_context(name_server(cluster.names))
        for stack in Stack:
            for _ in range(STACK):
                cluster.start_stack(stack)
        cluster.replace_nginx(STAGES[1], names=names)
        seen, lines = asyncio.run(_measured(cluster, names=names, requests=requests, seconds=minutes * 60))
        codes = cluster.ended()
        missing, doubled = seen.compare(database)
    took = time.monotonic() - begun
    say(f"{seen.sent:,} requests in {took:.0f} s: {dict(seen.answers)}, lost {dict(seen.lost) or 0}")
    say(f"{len(seen.acknowledged):,} acknowledged writes: {missing} missing, {doubled} doubled")
    for line in (*lines, f"exit codes of those that were replaced: {dict(Counter(codes))}"):
        say(line)
    if seen.lost or missing or doubled:
        raise SystemExit(_LOST)


if __name__ == "__main__":
    # Whoever ends it ends what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bench_run(instances, name="torture-instances")
