"""Why there is no response to compare, as one sentence without any content of the request."""

import os
import socket
import ssl
from typing import Final

import aiohttp

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
    """The failure behind what aiohttp raised; `timeout` is the one that was set, in seconds."""
    if isinstance(error, aiohttp.ClientSSLError):
        return RequestError(side, f"does not answer (TLS: {_tls_reason(error)})", always=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return RequestError(side, f"does not answer ({_reason(error.os_error)})", always=True)
    if isinstance(error, TimeoutError):
        return RequestError(side, f"took longer than {timeout:g} s")
    if isinstance(error, aiohttp.ClientResponseError):
        return RequestError(side, "sent an invalid HTTP response")
    if isinstance(error, aiohttp.ClientError):
        # Its own words could quote a header.
        return RequestError(side, "interrupted its response")
    return UnsendableError("a header that HTTP does not allow")


def _reason(error: OSError) -> str:
    plain = next((text for kind, text in _PLAIN.items() if isinstance(error, kind)), None)
    return plain or (os.strerror(error.errno).lower() if error.errno else "no connection")


def _tls_reason(error: Exception) -> str:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, ssl.SSLError) and cause.reason:
        return cause.reason.replace("_", " ").lower()
    return "the handshake failed"
