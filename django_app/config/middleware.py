"""What lies between nginx and the views: the request's id in the logs, its public prefix in links, its unread body."""

import contextlib
import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, UnreadablePostError

from django_app.config import logs

# The admin and the page of the documentation need no more; styles are written into the latter.
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

GetResponse = Callable[[HttpRequest], HttpResponse]

API_PREFIX = "/api"
PUBLIC_PREFIXES = frozenset({"/api", "/api/v2"})
DRAIN_CHUNK = 64 * 1024

logger = logging.getLogger(logs.REQUEST_LOGGER)


class RequestLogMiddleware:
    """Gives every log record of a request its `X-Request-ID`, and writes one line when it is answered."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, logged."""
        token = logs.request_id.set(logs.request_id_accept(request.headers.get("X-Request-ID")))
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            extra = {
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
            }
            logger.info("request answered", extra=extra)
            return response
        finally:
            logs.request_id.reset(token)


class ForwardedPrefixMiddleware:
    """Makes `request.path` the public one, `X-Forwarded-Prefix` and what follows `/api`.

    nginx answers `/api/v2/posts/` with this service as long as the route is `legacy`. Routing reads `path_info`, which
    stays `/api/posts/`; pagination links and the redirect to the trailing slash read `path`, so they carry the prefix
    that the client used. Any other value, or a path outside `/api/`, is left alone.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its public path."""
        prefix = request.headers.get("X-Forwarded-Prefix")
        if prefix in PUBLIC_PREFIXES and request.path_info.startswith(f"{API_PREFIX}/"):
            request.path = prefix + request.path_info.removeprefix(API_PREFIX)
        return self.get_response(request)


class BodyDrainMiddleware:
    """Reads what a view left of the request's body, a refused upload for one.

    gunicorn announces keep-alive before it looks at the body, and then closes the connection if 64 KiB or more of it
    are unread (`gunicorn.http.parser._DRAIN_MAX_BYTES`). Whatever nginx sends next on that connection is lost, and a
    POST is not sent twice: 9 of 20 failed that way. nginx limits and buffers bodies, so this is bounded and quick.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, its body read to the end."""
        response = self.get_response(request)
        # A client that went away in the middle of its body takes no answer either.
        with contextlib.suppress(UnreadablePostError):
            while request.read(DRAIN_CHUNK):
                pass
        return response


class PagePolicyMiddleware:
    """Lets a page load and run what comes from this origin alone (Content-Security-Policy)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, a page with its policy."""
        response = self.get_response(request)
        # A redirect has the type of a page, and none to load anything into.
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and "Location" not in response.headers:
            response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        return response
