"""How uvicorn reads HTTP: its own parser, whose refusals are JSON as all others are."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BODY: Final = b'{"detail":"Malformed request."}'
_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
)


# The ASGI extension that resets the request's connection: closing would first send all that is buffered.
ABORT: Final = "strangler.abort"


class _OneWrite:
    """A transport that sends an answer's head with what follows it: uvicorn writes them apart, each in a packet."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Writes at once, but for a head, which waits until the request's task pauses."""
        if self._head is None and data.startswith(b"HTTP/1.1 ") and data.endswith(b"\r\n\r\n"):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        head, self._head = self._head, None
        self._transport.write(data if head is None else head + data)

    def close(self) -> None:
        """Closes once all is written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head is not None and not self._transport.is_closing():
            self._transport.write(head)


class JsonErrorProtocol(HttpToolsProtocol):
    """For `uvicorn.run(http=…)`. A method that no standard names is such a refusal: the parser knows its methods."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """See asyncio.Protocol."""
        super().connection_made(_OneWrite(transport, self.loop))  # type: ignore[arg-type] # it is one but for its class

    def on_message_begin(self) -> None:
        """Adds the extension `ABORT` to each request."""
        super().on_message_begin()
        self.scope["extensions"] = {**(self.scope.get("extensions") or {}), ABORT: self.transport.abort}  # type: ignore[dict-item] # an extension of its own

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own signature
        """Answers what is no HTTP, and ends the connection."""
        self.transport.write(_ANSWER % (len(_BODY), _BODY))
        self.transport.close()
