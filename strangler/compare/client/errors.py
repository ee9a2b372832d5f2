"""Why there is no response to compare, as one sentence without any content of the request."""

import os
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import h11
import httpcore

_PLAIN: Final = {
    ConnectionRefusedError: "connection refused",
    ConnectionResetError: "connection reset",
    socket.gaierror: "no such host",
    TimeoutError: "connecting took too long",
}


class RequestError(Exception):
    """A side gave no answer that could be compared.

    `side` is its name; with `always` it would have failed with any other request too.
    """

    def __init__(self, side: str, what: str, *, always: bool = False) -> None:
        super().__init__(f"{side} {what}")
        self.side = side
        self.always = always


class UnavailableError(RequestError):
    """A side is too busy or fails (429, 5xx)."""


class SignInError(RequestError):
    """A side signs a caller in by nothing that it answers with; it may have no such endpoint at all."""

    def __init__(self, side: str, name: str, why: str, *, has_endpoint: bool = True) -> None:
        hint = "check the name and STRANGLER_PASSWORD" if has_endpoint else "name an endpoint of its own in [sign_in]"
        super().__init__(side, f"does not sign {name} in ({why}): {hint}", always=True)


class UnsendableError(RequestError):
    """No request can be made of the case: nobody was asked."""

    def __init__(self, why: str) -> None:
        super().__init__("cases that can't be sent:", why)


def failure_of(error: Exception, *, side: str, timeout: float) -> RequestError:
    """The failure behind what httpcore raised; `timeout` is the one that was set, in seconds."""
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        return RequestError(side, f"does not answer ({_reason(error)})", always=True)
    if isinstance(error, TimeoutError):
        return RequestError(side, f"took longer than {timeout:g} s")
    if isinstance(error, httpcore.RemoteProtocolError) and isinstance(error.__context__, h11.RemoteProtocolError):
        return RequestError(side, "sent an invalid HTTP response")
    if isinstance(error, httpcore.RemoteProtocolError | httpcore.NetworkError):
        # Its own words could quote a header.
        return RequestError(side, "interrupted its response")
    return UnsendableError("a header that HTTP does not allow")


def _reason(error: BaseException) -> str:
    """Why no connection could be made: the system's error behind what the libraries raised in its place."""
    found = next((each for each in _behind(error) if isinstance(each, OSError) and each.errno), OSError())
    if isinstance(found, ssl.SSLCertVerificationError):
        return f"TLS: {found.verify_message}"
    if isinstance(found, ssl.SSLError):
        return f"TLS: {found.reason.replace('_', ' ').lower() if found.reason else 'the handshake failed'}"
    plain = next((text for kind, text in _PLAIN.items() if isinstance(found, kind)), None)
    return plain or (os.strerror(found.errno).lower() if found.errno else "no connection")


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # A group has one for each address of the host. httpcore leaves the cause out, and keeps the context.
        first = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None
        error = first or error.__cause__ or error.__context__
