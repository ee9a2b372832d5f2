"""How uvicorn reads HTTP: its own parser, whose refusals are JSON as all others are."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BODY: Final = b'{"detail":"Malformed request."}'
_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
)


# The ASGI extension that resets the request's connection: closing would first send all that is buffered.
ABORT: Final = "strangler.abort"


class JsonErrorProtocol(HttpToolsProtocol):
    """For `uvicorn.run(http=…)`. A method that no standard names is such a refusal: the parser knows its methods."""

    def on_message_begin(self) -> None:
        """Adds the extension `ABORT` to each request."""
        super().on_message_begin()
        self.scope["extensions"] = {**(self.scope.get("extensions") or {}), ABORT: self.transport.abort}  # type: ignore[dict-item] # an extension of its own

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own signature
        """Answers what is no HTTP, and ends the connection."""
        self.transport.write(_ANSWER % (len(_BODY), _BODY))
        self.transport.close()
