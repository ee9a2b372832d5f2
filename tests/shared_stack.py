"""One running stack for all tests of a run, whichever worker asks first.

The stack is a process of its own (`python -m tests.shared_stack FOLDER CONTROLLER_PID`), so that it outlives the
worker that started it. It ends when the test run tells it to, or when the run is gone.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil

from strangler.databases.connections import login_of
from strangler.deployment.local_gateway import gateway_service, native_gateway
from strangler.deployment.local_stack import LocalStack
from strangler.gateway.rendering import render_gateway
from strangler.local.ports import port_free_pick
from strangler.routes.route import Stage
from strangler.schema.grants import apply_grants
from strangler.settings import LocalSettings
from tests.example import ROOT, example_settings, load_routes

CONTROLLER = "STRANGLER_TEST_CONTROLLER"
DEMO_PASSWORD = "strangler-demo"
# As often as the tests do.
SIGN_IN_FAILURES = 100_000
# A deadline alone: on two cores that do thirty other things it took two minutes.
START_SECONDS = 300
_POLL_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class StackAddresses:
    """Where the parts of the running stack are.

    Besides the deployed front door there are two more before the same services: one where FastAPI answers all of v2
    (`parallel_url`), and one where it answers v1 as well (`migrated_url`).
    """

    proxy_url: str
    parallel_url: str
    migrated_url: str
    django_url: str
    fastapi_url: str
    admin_dsn: str
    owner_dsn: str
    fastapi_dsn: str
    jwt_signing_key: str
    folder: str

    @property
    def access_log(self) -> Path:
        """The log of every request, one line of JSON each."""
        return Path(self.folder) / "logs" / "nginx.log"


def stack_addresses() -> StackAddresses:
    """The run's stack; starts it if this is the first call of the run."""
    controller = int(os.environ[CONTROLLER])
    folder = _folder(controller)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "addresses.json").exists():
            _start(folder, controller)
    return StackAddresses(**json.loads((folder / "addresses.json").read_text()))


def end_stack() -> None:
    """Ends the run's stack if one was started."""
    folder = _folder(int(os.environ[CONTROLLER]))
    pid_file = folder / "pid"
    if pid_file.exists():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid_file.read_text()))
            process.terminate()
            process.wait(START_SECONDS)


def _folder(controller: int) -> Path:
    return ROOT / ".run" / "tests" / str(controller)


def _start(folder: Path, controller: int) -> None:
    log = folder / "stack.log"
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    # Not subprocess: its Popen would have this worker wait for a process that is meant to outlive it.
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "tests.shared_stack", str(folder), str(controller)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)],
        setsid=True,
    )
    os.close(output)
    (folder / "pid").write_text(str(pid))
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "addresses.json").exists():
        if not _runs(pid) or time.monotonic() > deadline:
            raise RuntimeError(f"the stack under test did not start:\n{log.read_text()}")
        time.sleep(_POLL_SECONDS)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _serve(folder: Path, controller: int) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    settings = example_settings(
        proxy_port=port_free_pick(),
        django_port=port_free_pick(),
        fastapi_port=port_free_pick(),
        postgres_port=port_free_pick(),
        demo_password=DEMO_PASSWORD,
        ready_seconds=int(START_SECONDS),
        routes_file=routes_unthrottled(folder / "routes.toml"),
    )
    project = settings.project.model_copy(
        update={
            stack: section.model_copy(
                update={"environment": {**section.environment, "SIGN_IN_FAILURES": str(SIGN_IN_FAILURES)}}
            )
            for stack, section in (("django", settings.project.django), ("fastapi", settings.project.fastapi))
        }
    )
    settings = settings.model_copy(update={"project": project})
    with LocalStack(settings, state_dir=folder, durable=False) as stack, ExitStack() as gateways:
        # Tests ask FastAPI for writes of routes that have not moved.
        role, password = login_of(stack.fastapi_dsn)
        consumer = settings.project.load_consumer()
        apply_grants(
            owner_dsn=stack.owner_dsn,
            role=role,
            password=password,
            consumer=consumer,
            writers=consumer.features,
            keep=True,
        )
        addresses = StackAddresses(
            proxy_url=stack.proxy_url,
            parallel_url=gateways.enter_context(gateway_at_stage(Stage.PARALLEL, settings, folder)),
            migrated_url=gateways.enter_context(gateway_at_stage(Stage.MIGRATED, settings, folder)),
            django_url=stack.django_url,
            fastapi_url=stack.fastapi_url,
            admin_dsn=stack.admin_dsn,
            owner_dsn=stack.owner_dsn,
            fastapi_dsn=stack.fastapi_dsn,
            jwt_signing_key=stack.connections.jwt_signing_key,
            folder=str(folder),
        )
        part = folder / "addresses.part"
        part.write_text(json.dumps(dataclasses.asdict(addresses)))
        part.rename(folder / "addresses.json")
        while not ended.wait(1) and psutil.pid_exists(controller):
            pass


@contextlib.contextmanager
def gateway_at_stage(stage: Stage, settings: LocalSettings, folder: Path) -> Iterator[str]:
    """Another nginx before the services of `settings`, every route at `stage`; gives its address."""
    routes = routes_unthrottled(folder / f"routes-{stage}.toml", stage=stage)
    at_stage = settings.model_copy(update={"proxy_port": port_free_pick(), "routes_file": routes})
    service = gateway_service(at_stage, folder=folder / f"nginx-{stage}")
    gateway = native_gateway(at_stage, folder=folder / f"nginx-{stage}")
    rendered = render_gateway(load_routes(routes), gateway.settings)
    gateway.install(rendered)
    gateway.activate(rendered.version)
    with subprocess.Popen(service.argv, env=service.env, cwd=service.cwd) as nginx:  # noqa: S603 - the command of the stack itself
        try:
            deadline = time.monotonic() + START_SECONDS
            while not service.probe.answers():
                if nginx.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"nginx at stage {stage} did not start")
                time.sleep(_POLL_SECONDS)
            yield at_stage.proxy_url
        finally:
            nginx.terminate()


def routes_unthrottled(file: Path, *, stage: Stage | None = None) -> Path:
    """Writes the deployed routes into `file`, each at `stage` if one is given, and returns it.

    A client may sign in as often as the tests do; the throttle has a test of its own.
    """
    text = (ROOT / "nginx" / "routes.toml").read_text()
    text = re.sub(r'^rate = ".*"$', 'rate = "100000r/s"', text, flags=re.MULTILINE)
    if stage is not None:
        text = re.sub(r'^stage = ".*"$', f'stage = "{stage}"', text, flags=re.MULTILINE)
    file.write_text(text)
    return file


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
