"""`make torture ONLY=overload`: five times as many clients as a stack takes, and what they do to others."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Self

import httpx

from strangler.routes.route import Stack
from strangler.settings import LocalSettings
from tests.example import EXAMPLE
from tests.torture.load import Client, Ledger, Outcome, load
from tests.torture.stack import TorturedStack

HEAD: Final = (
    "| load | clients | answered | p50 | p99 | 503 | p99 of a 503 | other failures | health p99 | nginx's own p99"
    " | other stack's p99 |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
TIMES: Final = 5
_SECONDS: Final = 8.0
# nginx lets 256 requests of an address be under way.
_CLIENTS_OF_ADDRESS: Final = 100
# Clients that come in one moment are no load that lasts.
_WARM_SECONDS: Final = 2.0
_BUSY: Final = "503"
# What nginx answers by itself: so long an answer takes on this machine with nothing behind it.
_GATEWAY: Final = "/gateway/version"
_NICE: Final = 5


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load: who is asked, which paths say how others fare, and how many clients there are."""

    words: str
    path: str
    health: str
    other: str
    clients: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came of a load; times in milliseconds."""

    load: Load
    answered: int
    p50: float
    p99: float
    refused: int
    refusal_p99: float
    others: dict[str, int]
    health_p99: float
    gateway_p99: float
    other_p99: float

    @classmethod
    def of(cls, load: Load, ledger: Ledger, since: float) -> Self:
        """Of what was sent since that moment."""
        made = [each for each in ledger.outcomes if each.sent >= since]
        asked = [each for each in made if each.client == f"read {load.path}"]
        good = _times(each for each in asked if not each.failed)
        busy = _times(each for each in asked if each.end == _BUSY)
        failures = Counter(
            each.end for each in made if each.failed and not (each.end == _BUSY and each.client == f"read {load.path}")
        )
        return cls(
            load=load,
            answered=len(good),
            p50=quantile(good, 0.5),
            p99=quantile(good, 0.99),
            refused=len(busy),
            refusal_p99=quantile(busy, 0.99),
            others=dict(failures),
            health_p99=quantile(_times(each for each in made if each.client == f"health {load.health}"), 0.99),
            gateway_p99=quantile(_times(each for each in made if each.client == f"gateway {_GATEWAY}"), 0.99),
            other_p99=quantile(_times(each for each in made if each.client == f"other {load.other}"), 0.99),
        )

    def __str__(self) -> str:
        failures = ", ".join(f"{number:,} × {end}" for end, number in sorted(self.others.items())) or "0"
        cells = (
            *(
                self.load.words,
                str(self.load.clients),
                f"{self.answered:,}",
                _text(self.p50),
                _text(self.p99),
            ),
            *(f"{self.refused:,}", _text(self.refusal_p99), failures),
            *(_text(self.health_p99), _text(self.gateway_p99), _text(self.other_p99)),
        )
        return f"| {' | '.join(cells)} |"


def overloaded(stack: TorturedStack) -> list[str]:
    """The table, and a sentence for each stack."""
    rows, sentences = [], []
    most = LocalSettings(project=EXAMPLE).stack_requests
    token = stack.token()
    for which, prefix, other in (
        (Stack.DJANGO, "/api", "/api/v2/tags/"),
        (Stack.FASTAPI, "/api/v2", "/api/tags/"),
    ):
        health = EXAMPLE.stack(which).health
        loads = [
            Load(words=words, path=f"{prefix}/feed/", health=health, other=other, clients=clients)
            for words, clients in (
                (f"{which}: as many as it takes", most[which]),
                (f"{which}: {TIMES} times as many", TIMES * most[which]),
            )
        ]
        found = [asyncio.run(_measure(stack.url, each, token)) for each in loads]
        rows += map(str, found)
        ratio, recovery = found[1].p99 / found[0].p99, _recovery(stack, loads[0])
        sentences.append(f"- {which}: p99 of what is answered × {ratio:.1f}, {recovery:.2f} s to recover.")
    stack.strangler(
        *("switch", "feed.list", "--to", "migrated", "--fallback", "--yes", "--force", "--reason", "overload")
    )
    clients = TIMES * most[Stack.FASTAPI]
    fallen = Load(
        words=f"fastapi with fallback: {TIMES} times as many",
        path="/api/feed/",
        health=EXAMPLE.django.health,
        other="/api/tags/",
        clients=clients,
    )
    rows.append(str(asyncio.run(_measure(stack.url, fallen, token))))
    return [*HEAD, *rows, "", *sentences]


async def _measure(url: str, wanted: Load, token: str) -> Measured:
    numbers = count(2)
    groups = [
        min(_CLIENTS_OF_ADDRESS, wanted.clients - begun) for begun in range(0, wanted.clients, _CLIENTS_OF_ADDRESS)
    ]
    clients = [
        Client(kind="read", path=wanted.path, number=number, patient=True, address=f"127.0.0.{next(numbers)}")
        for number in groups
    ]
    beside = (
        Client(kind="health", path=wanted.health, pause=0.05),
        Client(kind="gateway", path=_GATEWAY, pause=0.05),
        Client(kind="other", path=wanted.other, pause=0.05),
    )
    loop = asyncio.get_running_loop()
    # Hundreds of clients in one process are late for their own answers; those of others have to be taken in time.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_give_way) as apart:
        seconds = _WARM_SECONDS + _SECONDS
        crowd = loop.run_in_executor(apart, _crowd, url, clients, token, seconds)
        async with load(url, beside, token=token) as ledger:
            await asyncio.sleep(_WARM_SECONDS)
            since = time.monotonic()
            await asyncio.sleep(_SECONDS)
        # Its clock is the machine's, as this one's is.
        ledger.outcomes += await crowd
    return Measured.of(wanted, ledger, since)


def _give_way() -> None:
    """Have the stack go first: clients of other machines would take no core from it."""
    os.nice(_NICE)
    # Linux shares its cores among sessions, and only then among a session's processes.
    os.setsid()
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_NICE), encoding="ascii")


def _crowd(url: str, clients: list[Client], token: str, seconds: float) -> list[Outcome]:
    async def ask() -> list[Outcome]:
        async with load(url, clients, token=token) as ledger:
            await asyncio.sleep(seconds)
        return ledger.outcomes

    return asyncio.run(ask())


def _recovery(stack: TorturedStack, wanted: Load) -> float:
    """Seconds until one request is answered, right after the load has ended."""
    began = time.monotonic()
    while httpx.get(stack.url + wanted.path, timeout=30).status_code != httpx.codes.OK:
        time.sleep(0.01)
    return time.monotonic() - began


def _times(outcomes: Iterable[Outcome]) -> list[float]:
    return sorted((each.ended - each.sent) * 1000 for each in outcomes)


def quantile(times: Sequence[float], share: float) -> float:
    """Of sorted times; 0 where there are none."""
    return times[min(len(times) - 1, int(share * len(times)))] if times else 0.0


def _text(milliseconds: float) -> str:
    """A time of the table; none where nobody was answered in time to be counted."""
    return f"{milliseconds:.0f} ms" if milliseconds else "none"
