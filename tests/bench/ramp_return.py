"""How soon a ramp takes its route back: real stacks under load, whose FastAPI loses the right to read its table."""

import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.checkouts import ENVIRONMENT, Checkout

LONGEST_SECONDS: Final = 5.0
ROUTE: Final = "tags.list"
PATH: Final = "/api/tags/"
_CLIENTS: Final = 4
_PAUSE_SECONDS: Final = 0.02
_POLL_SECONDS: Final = 0.05
_MOST_SECONDS: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Return:
    """One ramp that came back.

    `known` is from the first request that failed until the breach was, `back` from there until the routes file and
    nginx were as before, in seconds; `failed` are the clients' requests that were answered with 5xx.
    """

    known: float
    back: float
    failed: int


class Clients:
    """Callers of many addresses, who note when an answer was a 5xx."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(_CLIENTS)]
        self.failures: list[float] = []
        self.count = 0

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            while not self._over.wait(_PAUSE_SECONDS):
                self.count += 1
                address = f"10.{number}.{self.count % 200}.1"
                answer = client.get(PATH, headers={"X-Forwarded-For": address})
                if answer.is_server_error:
                    self.failures.append(time.time())


def returned(*, times: int) -> Iterator[Return]:
    """So many ramps in turn, on one stack."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # nginx's workers have an account of their own
        checkout = Checkout(Path(folder) / "checkout")
        with (checkout.path / ".env").open("a") as file:
            file.write("EVIDENCE_EQUAL=0\nTRUSTED_PROXIES=127.0.0.1/32\nDJANGO_WORKERS=1\nFASTAPI_WORKERS=1\n")
        _done(checkout.strangler("up", "--detach"))
        try:
            _done(checkout.strangler("switch", ROUTE, "--to", "parallel", "--yes"))
            for _ in range(times):
                yield _one(checkout)
        finally:
            checkout.strangler("down")


def returns_text(found: Sequence[Return]) -> str:
    """Them in words."""
    known, back = ([getattr(each, name) for each in found] for name in ("known", "back"))
    failed = statistics.median(each.failed for each in found)
    return (
        f"{len(found)} ramps at 50 % whose FastAPI began to fail: the breach {statistics.median(known):.1f} s after "
        f"the first failed request (at most {max(known):.1f}), all back {statistics.median(back):.1f} s after the "
        f"breach (at most {max(back):.1f}), {failed:.0f} failed requests"
    )


def _one(checkout: Checkout) -> Return:
    with Clients(f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}") as clients, _ramp(checkout) as ramp:
        _wait(lambda: _phase(checkout) == "watching", ramp)
        # So much that both sides are known.
        enough = clients.count + 200
        _wait(lambda: clients.count > enough, ramp)
        with checkout.owner() as owner:
            owner.execute("REVOKE SELECT ON tags FROM strangler_fastapi")
            try:
                ramp.wait(_MOST_SECONDS)
            finally:
                owner.execute("GRANT SELECT ON tags TO strangler_fastapi")
    event = json.loads(_done(checkout.strangler("ramp", "log", "--json")))[-1]
    if event["event"] != "returned":
        raise RuntimeError(f"the ramp ended by {event}")
    over = dt.datetime.fromisoformat(event["time"]).timestamp()
    known = over - event["seconds"] - min(clients.failures)
    return Return(known=known, back=event["seconds"], failed=len(clients.failures))


@contextmanager
def _ramp(checkout: Checkout) -> Iterator["subprocess.Popen[bytes]"]:
    words = ("ramp", ROUTE, "--steps", "50,100", "--hold", "10m")
    with subprocess.Popen(  # noqa: S603 - the tool itself
        [sys.executable, "-m", "strangler.cli", *words],
        cwd=checkout.path,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _phase(checkout: Checkout) -> str:
    file = checkout.path / ".run" / "rollout" / "ramp" / "state.json"
    return str(json.loads(file.read_text())["phase"]) if file.exists() else ""


def _wait(holds: Callable[[], bool], ramp: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while not holds():
        if ramp.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the ramp doesn't get to its step")
        time.sleep(_POLL_SECONDS)


def _done(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout
