"""Why there is no answer to compare, as one sentence that says nothing of the request."""

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


class AskFailed(Exception):
    """A side gave no answer that could be compared.

    `of_side`: it would have been the same with another request.
    """

    def __init__(self, sentence: str, *, of_side: bool) -> None:
        super().__init__(sentence)
        self.of_side = of_side


class Unaskable(AskFailed):
    """No request can be made of the case; nobody was asked."""


def failure_of(error: Exception, *, side: str, timeout: float) -> AskFailed:
    """The failure behind what aiohttp raised; `timeout` is the one that was set, in seconds."""
    if isinstance(error, aiohttp.ClientSSLError):
        return AskFailed(f"{side} does not answer (TLS: {_tls_reason(error)})", of_side=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return AskFailed(f"{side} does not answer ({_reason(error.os_error)})", of_side=True)
    if isinstance(error, TimeoutError):
        return AskFailed(f"{side} took longer than {timeout:g} s", of_side=False)
    if isinstance(error, aiohttp.ClientResponseError):
        return AskFailed(f"{side} answered with what is no HTTP", of_side=False)
    if isinstance(error, aiohttp.ClientError):
        # Its own words could quote a header.
        return AskFailed(f"{side} broke its answer off", of_side=False)
    return Unaskable("requests with a header that HTTP can't carry", of_side=False)


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
