"""Multipart bodies, as Django reads them (`django.http.multipartparser`)."""

import base64
import binascii
import codecs
import io
from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value
from html import unescape
from typing import Any, Final

from starlette.datastructures import Headers, UploadFile

from strangler_fastapi.drf.limits import MOST_FIELDS, MOST_FILES
from strangler_fastapi.errors import ParseError, SuspiciousRequest

# Django's `MAX_TOTAL_HEADER_SIZE`.
_LONGEST_HEADER: Final = 1024
_HEADER_END: Final = b"\r\n\r\n"

Parameters = dict[str, str]
_Headers = dict[str, tuple[str, dict[str, bytes]]]


def multipart_pairs(body: bytes, boundary: str, charset: str) -> Iterator[tuple[str, str | UploadFile]]:
    """The fields and files of a body, in the order sent; what is broken is read as far as Django reads it.

    Raises:
        ParseError: a part's header is too long, or the base64 of a file is wrong.
        SuspiciousRequest: there are more fields or files than Django takes.
    """
    fields = files = 0
    for part in _parts(body, b"--" + boundary.encode("ascii")):
        headers, content = _split(part)
        disposition = headers.get("content-disposition", ("", {}))[1]
        is_file = bool(disposition.get("filename"))
        files += is_file
        fields += not is_file
        # The two are what stands before the first boundary and after the last.
        if fields > MOST_FIELDS + 2 or files > MOST_FILES:
            raise SuspiciousRequest
        if "name" not in disposition:
            continue
        name = disposition["name"].strip().decode(charset, "replace")
        is_base64 = headers.get("content-transfer-encoding", ("", {}))[0].strip() == "base64"
        if not is_file:
            yield name, (_decoded(content) if is_base64 else content).decode(charset, "replace")
        elif file_name := _file_name(disposition["filename"].decode(charset, "replace")):
            kind = headers.get("content-type", ("", {}))[0].strip()
            data = _decoded_file(content) if is_base64 else content
            yield name, UploadFile(io.BytesIO(data), filename=file_name, headers=Headers({"content-type": kind}))


def header_parameters(line: str) -> tuple[str, Parameters]:
    """A header's value in lower case, and its parameters (`parse_header_parameters`).

    Raises:
        ValueError: a parameter is in a charset that there isn't.
    """
    if ";" not in line:
        return line.strip().lower(), {}
    message = Message()
    message["content-type"] = line
    params = message.get_params() or [("", "")]
    found: Parameters = {}
    for name, value in params[1:]:
        if name:
            found[name] = _unfolded(value)
    return params[0][0].lower(), found


def _unfolded(value: Any) -> str:  # noqa: ANN401 - a text, or the three parts of RFC 2231
    if isinstance(value, tuple) and value[0]:
        try:
            codecs.lookup(value[0])
        except LookupError:
            raise ValueError(f"Invalid encoding {value[0]!r} for RFC 2231 param.") from None
    return collapse_rfc2231_value(value)


def _parts(body: bytes, separator: bytes) -> Iterator[bytes]:
    """What stands between the boundaries, each without the line end before the next one."""
    *bounded, last = body.split(separator, MOST_FIELDS + MOST_FILES + 3)
    for part in bounded:
        yield part.removesuffix(b"\n").removesuffix(b"\r")
    if last:
        yield last


def _split(part: bytes) -> tuple[_Headers, bytes]:
    """A part's headers and what follows; no headers where it has none.

    Raises:
        ParseError: they are too long.
    """
    end = part.find(_HEADER_END, 0, _LONGEST_HEADER)
    if end < 0:
        if len(part) >= _LONGEST_HEADER:
            raise ParseError("Multipart form parse error - Request max total header size exceeded.")
        return {}, part
    headers: _Headers = {}
    for line in part[:end].split(b"\r\n"):
        try:
            text, parameters = header_parameters(line.decode())
            name, value = text.split(":", 1)
            headers[name] = value, {key: parameter.encode() for key, parameter in parameters.items()}
        except ValueError:
            continue
    return headers, part[end + len(_HEADER_END) :]


def _decoded(content: bytes) -> bytes:
    try:
        return base64.b64decode(content)
    except binascii.Error:
        return content


def _decoded_file(content: bytes) -> bytes:
    stripped = b"".join(content.split())
    if len(stripped) % 4 == 0:
        try:
            return base64.b64decode(stripped)
        except binascii.Error:
            pass
    raise ParseError("Multipart form parse error - Could not decode base64 data.")


def _file_name(name: str) -> str:
    """The name without folders; empty where nothing is left (`sanitize_file_name`)."""
    last = unescape(name).rsplit("/")[-1].rsplit("\\")[-1]
    printable = "".join(character for character in last if character.isprintable())
    return "" if printable in {".", ".."} else printable
