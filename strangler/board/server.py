"""The page over HTTP: one document, its style and script, and an event for each change."""

import asyncio
import json
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from strangler.board.access import Access
from strangler.board.board import Board
from strangler.board.live import LivePage, PageVersion
from strangler.board.moves import Moves, Wish
from strangler.board.page import FOLDER, PageRenderer, moment_text
from strangler.errors import StranglerError, UsageError

_FILES: Final = {"board.css": "text/css", "board.js": "text/javascript", "icon.svg": "image/svg+xml"}
_MAX_STREAMS: Final = 50
# A client that takes nothing for so long is gone.
_WRITE_SECONDS: Final = 10.0
_SHUTDOWN_SECONDS: Final = 2.0
# As nginx passes it on.
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LOG: Final = logging.getLogger(__name__)
# `default-src 'none'` and what the page needs of its own origin. Its HTML goes in through one named policy.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types board"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Server": "strangler",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class BoardServer:
    """Serves a board; without `moves` nothing that it answers changes anything."""

    def __init__(self, board: Board, access: Access, *, moves: Moves | None = None) -> None:
        self._board = board
        self._access = access
        self._moves = moves
        self._renderer = PageRenderer(secrets.token_hex(8), moves=moves is not None)
        self._live: LivePage | None = None
        self._streams = 0

    def application(self) -> web.Application:
        """The application, for a test or `run`."""
        app = web.Application(middlewares=[_failure_log, self._access.middleware])
        app.router.add_get("/", self._page)
        # HEAD of a stream would never end.
        app.router.add_get("/events", self._events, allow_head=False)
        for name in _FILES:
            app.router.add_get(f"/{name}", self._file)
        app.router.add_get("/differences", self._differences)
        if self._moves is not None:
            app.router.add_get("/move", self._move)
            app.router.add_post("/apply", self._apply)
        app.on_response_prepare.append(self._headers_set)
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

    async def _headers_set(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        if self._moves is not None:
            policy = HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
            response.headers["Content-Security-Policy"] = policy

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        self._live = await asyncio.to_thread(LivePage, self._board, self._renderer)
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

    async def _differences(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(self._board.differences, request.query.get("route", ""))
        return self._answer(self._renderer.differences(found))

    async def _move(self, request: web.Request) -> web.Response:
        """The form of a route; with a wish in it the plan, which changes nothing."""
        form = dict(request.query)
        route = form.get("route", "")
        if "to" not in form:
            return self._answer(self._renderer.form(route, form=form))
        try:
            wish = Wish.parse(form)
            planned = await asyncio.to_thread(self._required_moves.plan, wish)
        except StranglerError as error:
            return self._answer(self._renderer.form(route, form=form, error=str(error)), status=409)
        return self._answer(self._renderer.plan(planned, token=self._access.form_token))

    async def _apply(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self._access.require_form(request, form)
        try:
            wish = Wish.parse(form)
            # A move under way isn't given up because a browser has left.
            await asyncio.shield(asyncio.to_thread(self._required_moves.apply, wish, form.get("checksum", "")))
        except StranglerError as error:
            page = self._renderer.form(form.get("route", ""), form=form, error=str(error))
            return self._answer(page, status=409)
        return web.Response(status=303, headers={"Location": "./#h-history"})

    @property
    def _required_moves(self) -> Moves:
        if self._moves is None:
            raise RuntimeError("this board moves nothing")
        return self._moves

    @staticmethod
    def _answer(text: str, *, status: int = 200) -> web.Response:
        return web.Response(text=text, content_type="text/html", status=status)

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

    def _event(self, page: PageVersion, sent: dict[str, str]) -> dict[str, object]:
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


@web.middleware
async def _failure_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an unexpected failure with 500, and log it by the request's id."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:  # noqa: BLE001 - whatever a page runs into, it is logged, and the board goes on
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        _LOG.exception("request %s failed", request_id)
        text = f"An unexpected failure: the log of strangler board has it as request {request_id}.\n"
        return web.Response(status=500, text=text)
