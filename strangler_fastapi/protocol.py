"""How uvicorn reads HTTP: its own parser, whose refusals are JSON as all others are."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BODY: Final = b'{"detail":"Malformed request."}'
_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
)


class JsonErrorProtocol(HttpToolsProtocol):
    """For `uvicorn.run(http=…)`. A method that no standard names is such a refusal: the parser knows its methods."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own signature
        """Answers what is no HTTP, and ends the connection."""
        self.transport.write(_ANSWER % (len(_BODY), _BODY))
        self.transport.close()
