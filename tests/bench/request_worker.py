"""One application in this process, asked without HTTP: what `tests.bench.request_cost` runs for each checkout.

It is given a file with the requests, and on standard input lines such as `create 150`; it writes what each of so many
requests took of a core, in microseconds. It imports the example from wherever PYTHONPATH says.
"""

import asyncio
import gc
import json
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import uvloop
from pydantic import SecretStr

from fastapi_app.config import Settings
from fastapi_app.main import create_app

_AT_ONCE: Final = 16
_SUCCESS: Final = (200, 201)


async def ask(app: Any, path: str, token: str, body: str) -> None:
    """One request; raises AssertionError where it is refused."""
    sent = body.encode()
    headers = [(b"host", b"localhost")]
    headers += [(b"authorization", b"Bearer " + token.encode())] if token else []
    headers += [(b"content-type", b"application/json")] if sent else []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "method": "POST" if sent else "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "state": {},
    }
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status"))

    await app(scope, receive, send)
    assert statuses[0] in _SUCCESS, f"{path} was answered {statuses[0]}"


async def take(app: Any, requests: Any, number: int) -> float:
    """Microseconds of a core for each of so many requests."""
    left = iter(range(number))

    async def client() -> None:
        for _ in left:
            await ask(app, *next(requests))

    before = time.process_time()
    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    return (time.process_time() - before) * 1e6 / number


async def work(given: dict[str, Any]) -> None:
    """Reads lines until there are no more."""
    settings = Settings(
        fastapi_database_url=given["url"],
        jwt_signing_key=SecretStr(given["key"]),
        allowed_hosts="localhost",
        log_level="warning",
    )
    app, requests = create_app(settings), {name: cycle(each) for name, each in given["requests"].items()}
    async with app.router.lifespan_context(app):
        if (problem := await app.state.database.check()) is not None:
            sys.exit(problem)
        gc.collect()
        gc.freeze()
        while line := (await asyncio.to_thread(sys.stdin.readline)).split():
            sys.stdout.write(f"{await take(app, requests[line[0]], int(line[1]))}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(work(json.loads(Path(sys.argv[1]).read_text())))
