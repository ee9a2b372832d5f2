"""Local servers that take what a side sends on while a step is played: mails, and requests to other services."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from strangler.compare.json_values import NotJsonError, json_parse
from strangler.compare.writes.mail_sink import MailSink
from strangler.errors import FailedError
from strangler.sections import SinkAnswer, SinksSection
from strangler.settings import HOST

_START_SECONDS: Final = 10.0
_FORM: Final = "application/x-www-form-urlencoded"
_LARGEST_BYTES: Final = 16 * 1024 * 1024
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class SentMessage:
    """What a side sent: `kind` is `mail` or `http`, and `content` what of it counts, in JSON's types."""

    kind: str
    content: Mapping[str, object]


@dataclass
class SideSink:
    """Where the messages of one side arrive; `environment` tells its server the addresses."""

    environment: dict[str, str] = field(default_factory=dict)
    _arrived: list[SentMessage] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._arrived)

    def add(self, kind: str, content: Mapping[str, object]) -> None:
        """Take a message."""
        self._arrived.append(SentMessage(kind, content))

    def take(self) -> Sequence[SentMessage]:
        """What has arrived since the last call, in its order."""
        taken, self._arrived = self._arrived, []
        return taken


@contextmanager
def sinks_run(section: SinksSection, sides: int) -> Iterator[tuple[SideSink, ...]]:
    """A sink for each side, on ports of its own, for as long as the `with` block lasts.

    :raises FailedError: they don't start.
    """
    with ExitStack() as exits:
        loop = exits.enter_context(_Loop())
        yield tuple(exits.enter_context(_sink(section, loop)) for _ in range(sides))


@contextmanager
def _sink(section: SinksSection, loop: "_Loop") -> Iterator[SideSink]:
    sink = SideSink()
    with ExitStack() as exits:
        if section.mail:
            server = loop.wait(MailSink(lambda mail: sink.add("mail", mail)).start())
            exits.callback(loop.wait, _closed(server))
            sink.environment |= _filled(section.mail, server.sockets[0].getsockname()[1])
        if section.http:
            runner = loop.wait(_http_start(sink, section.answers))
            exits.callback(loop.wait, runner.cleanup())
            sink.environment |= _filled(section.http, runner.addresses[0][1])
        yield sink


async def _closed(server: asyncio.Server) -> None:
    server.close()


def _filled(variables: Mapping[str, str], port: int) -> dict[str, str]:
    return {name: text.format(host=HOST, port=port) for name, text in variables.items()}


async def _http_start(sink: SideSink, answers: Mapping[str, SinkAnswer]) -> web.AppRunner:
    async def answer(request: web.Request) -> web.Response:
        sink.add("http", _request_content(request, await request.read()))
        chosen = answers.get(f"{request.method} {request.path}") or answers.get(request.path) or SinkAnswer()
        return web.Response(status=chosen.status, text=chosen.body, content_type=chosen.type)

    app = web.Application(client_max_size=_LARGEST_BYTES)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    return runner


def _request_content(request: web.Request, body: bytes) -> dict[str, object]:
    """What of a request counts: neither its address nor what the client library says of itself."""
    text = body.decode(errors="replace")
    content: object = text
    if request.content_type == _FORM:
        content = [list(pair) for pair in parse_qsl(text, keep_blank_values=True)]
    elif text:
        try:
            content = json_parse(text)
        except NotJsonError:
            content = text
    return {
        "method": request.method,
        "path": request.path,
        "query": [list(pair) for pair in request.query.items()],
        "type": request.content_type if body else "",
        "authorization": request.headers.get("Authorization", ""),
        "body": content,
    }


class _Loop:
    """An event loop in a thread of its own, since sandboxes are made outside of the run's."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sinks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.wait(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    def wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """What a coroutine gives in that thread.

        :raises FailedError: it can't open a port, or takes too long.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)
        except (OSError, TimeoutError) as error:
            raise FailedError(f"a sink for messages doesn't start ({error})", "see [compare.sinks]") from error

    async def _end_tasks(self) -> None:
        """Connections that a side keeps open end with the loop."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
