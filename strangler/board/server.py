"""The page over HTTP: one document, its style and script, and an event for each change."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web

from strangler.board.access import Access
from strangler.board.board import Board
from strangler.board.live import LivePage, Page
from strangler.board.page import FOLDER, PageRenderer, moment_text
from strangler.errors import UsageError

_FILES: Final = {"board.css": "text/css", "board.js": "text/javascript", "icon.svg": "image/svg+xml"}
_MAX_STREAMS: Final = 50
# A client that takes nothing for so long is gone.
_WRITE_SECONDS: Final = 10.0
_SHUTDOWN_SECONDS: Final = 2.0
# `default-src 'none'` and what the page needs of its own origin. Its HTML goes in through one named policy.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types board"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "strangler",
    "X-Content-Type-Options": "nosniff",
}


class BoardServer:
    """Serves a board; nothing that it answers changes anything."""

    def __init__(self, board: Board, access: Access) -> None:
        self._board = board
        self._access = access
        self._live: LivePage | None = None
        self._streams = 0

    def application(self) -> web.Application:
        """The application, for a test or `run`."""
        app = web.Application(middlewares=[self._access.middleware])
        app.router.add_get("/", self._page)
        # HEAD of a stream would never end.
        app.router.add_get("/events", self._events, allow_head=False)
        for name in _FILES:
            app.router.add_get(f"/{name}", self._file)
        app.on_response_prepare.append(_headers_set)
        app.on_shutdown.append(self._close)
        app.cleanup_ctx.append(self._run)
        return app

    def run(self, *, host: str, port: int, started: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; `started` is called once it listens.

        :raises UsageError: it can't listen there.
        """
        try:
            web.run_app(
                self.application(),
                host=host,
                port=port,
                print=lambda _text: started(),
                # Addresses may have the token.
                access_log=None,
                shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        except OSError as error:
            message = f"{host} port {port} can't be listened at ({error.strerror})"
            raise UsageError(message, "choose another with --port or --host") from error

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        self._live = await asyncio.to_thread(LivePage, self._board, PageRenderer(secrets.token_hex(8)))
        async with self._live.running():
            yield

    async def _close(self, _app: web.Application) -> None:
        await self._now.close()

    @property
    def _now(self) -> LivePage:
        if self._live is None:
            raise RuntimeError("the board isn't running")
        return self._live

    async def _page(self, _request: web.Request) -> web.Response:
        page = self._now.page
        text = self._now.renderer.page(page.snapshot, page.sections)
        return web.Response(text=text, content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/")
        return web.Response(text=(FOLDER / name).read_text(encoding="utf-8"), content_type=_FILES[name])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._streams >= _MAX_STREAMS:
            raise web.HTTPServiceUnavailable(text="Too many pages are open: close some.\n")
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self._streams += 1
        try:
            await answer.prepare(request)
            # The client left, or takes nothing.
            with suppress(ConnectionResetError, TimeoutError):
                await self._events_write(answer)
        finally:
            self._streams -= 1
        return answer

    async def _events_write(self, answer: web.StreamResponse) -> None:
        live, number = self._now, -1
        sent: dict[str, str] = {}
        while not live.closed:
            page = await live.after(number)
            number = page.number
            event = self._event(page, sent)
            await asyncio.wait_for(answer.write(f"data: {json.dumps(event)}\n\n".encode()), _WRITE_SECONDS)
            sent = {name: section.digest for name, section in page.sections.items()}

    def _event(self, page: Page, sent: dict[str, str]) -> dict[str, object]:
        """The sections that have changed since `sent`, which are their digests then."""
        return {
            "version": self._now.renderer.version(page.sections),
            "moment": moment_text(page.snapshot.moment),
            "sections": {
                name: {"digest": section.digest, "html": section.html}
                for name, section in page.sections.items()
                if sent.get(name) != section.digest
            },
        }


async def _headers_set(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
