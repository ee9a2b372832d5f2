"""The headers that tell clients how long they may keep an answer, as Django's `cache_page` adds them.

Nothing is kept here: each answer is new. Django answers with one that it has kept, until its time is over.

Source: `django.middleware.cache.UpdateCacheMiddleware`, `django.utils.cache.patch_response_headers`.
"""

import time
from dataclasses import dataclass
from email.utils import formatdate

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope

from strangler_fastapi.answer_head import varied
from strangler_fastapi.drf.http.urls import header

_KEPT = (200, 304)
_FIRST_ERROR = 400


@dataclass(frozen=True)
class CachedAnswers:
    """How long answers to GET and HEAD may be kept, in seconds; `vary` are the headers of requests that they vary on.

    With `seconds` of None they only vary. `by_credentials` says that they vary on `Authorization` too where a request
    has one, as in Django since its releases of 2026.
    """

    seconds: int | None = None
    vary: tuple[str, ...] = ()
    by_credentials: bool = False

    def add(self, scope: Scope, start: Message) -> None:
        """Adds the headers to the message that an answer begins with; of errors it changes nothing."""
        if self.vary and start["status"] < _FIRST_ERROR:
            start["headers"] = varied(start["headers"], first=self.vary)
        if self.seconds is not None and start["status"] in _KEPT:
            if self.by_credentials and header(scope, b"authorization"):
                start["headers"] = varied(start["headers"], last=("Authorization",))
            headers = MutableHeaders(raw=start["headers"])
            headers["Expires"] = formatdate(time.time() + self.seconds, usegmt=True)
            headers["Cache-Control"] = f"max-age={self.seconds}"
