"""Saves the session of a request with its answer, and sets the cookies (`django.contrib.sessions.middleware`)."""

import time
from datetime import UTC, datetime
from email.utils import formatdate
from http.cookies import SimpleCookie
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangler_fastapi.answer_head import make_changes, noted_changes
from strangler_fastapi.auth.csrf import SESSION_KEY
from strangler_fastapi.auth.session_store import SHORTEST_KEY, SessionStore
from strangler_fastapi.auth.sessions import SessionInterrupted, Sessions
from strangler_fastapi.db.session import begin_session
from strangler_fastapi.drf.http.handlers import DatabaseErrors
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.errors import ApiError

_LONG_AGO: Final = "Thu, 01 Jan 1970 00:00:00 GMT"
_SERVER_ERROR: Final = 500
_INTERRUPTED: Final = {"detail": "The session was ended by another request before this one was answered."}


class SessionMiddleware:
    """Pure ASGI. A session is written after the endpoint's transaction, and where the request was refused, too.

    As in Django, what a request that fails with 500 has changed of its session is not saved.
    """

    def __init__(self, app: ASGIApp, *, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions
        self._errors = DatabaseErrors()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_replaced = False
        within = noted_changes(scope)

        async def send_saved(message: Message) -> None:
            nonlocal is_replaced
            if message["type"] == "http.response.start" and self._concerns(scope):
                make_changes(scope, message, within)
                request = Request(scope)
                refusal = await self._refusal(request, message["status"])
                if refusal is not None:
                    is_replaced = True
                    await refusal(scope, receive, send)
                    return
                self._add_headers(request, message)
            if not is_replaced:
                await send(message)

        await self._app(scope, receive, send_saved)

    def _concerns(self, scope: Scope) -> bool:
        """Whether an answer has anything to do with a session."""
        sessions = self._sessions
        is_used = "session_store" in scope or "csrf_secret" in scope
        return is_used or sessions.save_every_request or sessions.csrf.use_sessions

    async def _refusal(self, request: Request, status: int) -> Response | None:
        """Saves what is to be saved; what is answered in place of the answer where that fails."""
        try:
            try:
                await self._save(request, status)
            except SessionInterrupted:
                return JsonResponse(_INTERRUPTED, status_code=400)
            except ApiError as error:
                return JsonResponse(error.body, status_code=error.status, headers=error.headers)
        except Exception as error:  # noqa: BLE001 - what isn't the database's is raised again
            return await self._errors.answer(request, error)
        return None

    async def _save(self, request: Request, status: int) -> None:
        sessions, scope = self._sessions, request.scope
        store: SessionStore | None = scope.get("session_store")
        cookie, secret = request.cookies.get(sessions.cookie_name), scope.get("csrf_secret")
        keeps_secret = secret is not None and sessions.csrf.use_sessions
        if store is None and not (keeps_secret or (sessions.save_every_request and cookie)):
            return
        if not sessions.writes or (sessions.rows is not None and request.app.state.read_only):
            return
        session = begin_session(request)
        try:
            is_empty = store is not None and store.is_empty
            if store is None:
                # Nobody has looked whether it is still there, and one that isn't gets another key, as in Django.
                store = scope["session_unread"] = await sessions.load(cookie, session)
                is_empty = len(cookie or "") < SHORTEST_KEY
            if keeps_secret and store.get(SESSION_KEY) != secret:
                store[SESSION_KEY], is_empty = secret, False
            is_saved = (store.modified or sessions.save_every_request) and not is_empty
            if not (is_saved or store.ended) or (status >= _SERVER_ERROR and not is_empty):
                return
            await sessions.end(store, session)
            if is_saved:
                await sessions.save(store, session)
            await session.commit()
        finally:
            await session.close()
        scope["session_saved"] = is_saved
        if sessions.invalidate is not None and sessions.rows is not None:
            for key in (*store.ended, *([store.key] if store.key else [])):
                await sessions.invalidate(key)

    def _add_headers(self, request: Request, message: Message) -> None:
        sessions, scope, headers = self._sessions, request.scope, MutableHeaders(scope=message)
        store: SessionStore | None = scope.get("session_store", scope.get("session_unread"))
        secret = scope.get("csrf_secret")
        if secret is not None and not sessions.csrf.use_sessions:
            headers.append("Set-Cookie", self._csrf_cookie(secret))
        # Django's CSRF check looks into the session at every request, if the secret is there.
        is_varied = "session_store" in scope or secret is not None or sessions.csrf.use_sessions
        if store is not None and store.is_empty and sessions.cookie_name in request.cookies:
            # Also where sessions are only read: the browser's names none.
            headers.append("Set-Cookie", self._no_cookie())
            is_varied = True
        elif store is not None and scope.get("session_saved"):
            headers.append("Set-Cookie", self._session_cookie(store))
            is_varied = True
        if is_varied:
            headers.add_vary_header("Cookie")

    def _session_cookie(self, store: SessionStore) -> str:
        sessions = self._sessions
        return _cookie(
            sessions.cookie_name,
            store.key or "",
            max_age=store.cookie_age(datetime.now(UTC)),
            path=sessions.cookie_path,
            domain=sessions.cookie_domain,
            secure=sessions.cookie_secure,
            httponly=sessions.cookie_httponly,
            samesite=sessions.cookie_samesite,
        )

    def _no_cookie(self) -> str:
        sessions = self._sessions
        name, samesite = sessions.cookie_name, sessions.cookie_samesite
        return _cookie(
            name,
            "",
            max_age=0,
            path=sessions.cookie_path,
            domain=sessions.cookie_domain,
            # Browsers refuse such names and such cookies without it.
            secure=name.startswith(("__Secure-", "__Host-")) or (samesite or "").lower() == "none",
            samesite=samesite,
        )

    def _csrf_cookie(self, secret: str) -> str:
        csrf = self._sessions.csrf
        return _cookie(
            csrf.cookie_name,
            secret,
            max_age=csrf.cookie_age,
            path=csrf.cookie_path,
            domain=csrf.cookie_domain,
            secure=csrf.cookie_secure,
            httponly=csrf.cookie_httponly,
            samesite=csrf.cookie_samesite,
        )


def _cookie(
    name: str,
    value: str,
    *,
    max_age: float | None,
    path: str,
    domain: str | None,
    secure: bool = False,
    httponly: bool = False,
    samesite: str | None = None,
) -> str:
    """A `Set-Cookie` as Django's responses write it."""
    cookie: SimpleCookie = SimpleCookie({name: value})
    if max_age is not None:
        cookie[name]["max-age"] = int(max_age)
        cookie[name]["expires"] = formatdate(time.time() + max_age, usegmt=True) if max_age else _LONG_AGO
    given: dict[str, Any] = {"path": path, "domain": domain, "samesite": samesite, "secure": secure}
    for key, fact in (given | {"httponly": httponly}).items():
        if fact:
            cookie[name][key] = fact
    return cookie[name].OutputString()
