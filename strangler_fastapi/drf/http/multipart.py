"""Multipart bodies, as Django reads them (`django.http.multipartparser`)."""

import base64
import binascii
import codecs
from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value
from html import unescape
from typing import Any, Final

from strangler_fastapi.drf.http.limits import LARGEST_BODY, MOST_FIELDS, MOST_FILES
from strangler_fastapi.drf.http.uploads import Buffer, Spool, UploadedFile
from strangler_fastapi.errors import ParseError, SuspiciousRequest

# Django's `MAX_TOTAL_HEADER_SIZE`.
_LONGEST_HEADER: Final = 1024
_HEADER_END: Final = b"\r\n\r\n"

Parameters = dict[str, str]
_Headers = dict[str, tuple[str, dict[str, bytes]]]


def multipart_pairs(body: Spool, boundary: str, charset: str) -> Iterator[tuple[str, str | UploadedFile]]:
    """The fields and files of a body, in the order sent; what is broken is read as far as Django reads it.

    Of a file no more than a piece is in memory.

    Raises:
        ParseError: a part's header is too long, or the base64 of a file is wrong.
        SuspiciousRequest: there are more fields or files than Django takes, longer fields, or a file without a name.
    """
    data = body.data
    fields = files = read = 0
    # Django knows a file once something follows it, if its key is not empty: one that the body breaks off in is none.
    last: list[tuple[str, UploadedFile]] = []
    for start, end in _parts(data, b"--" + boundary.encode("ascii")):
        yield from ((name, file) for name, file in last if name)
        last = []
        headers, first = _headers(data, start, end)
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
            read += end - first + len(name) + 2
            if read > LARGEST_BODY:
                raise SuspiciousRequest
            content = data[first:end]
            yield name, (_decoded(content) if is_base64 else content).decode(charset, "replace")
        elif file_name := _file_name(disposition["filename"].decode(charset, "replace")):
            kind = headers.get("content-type", ("", {}))[0].strip()
            if is_base64:
                decoded = _decoded_file(UploadedFile(data, first, end, name=file_name), body.make_within()).data
                last = [(name, UploadedFile(decoded, 0, len(decoded), name=file_name, content_type=kind))]
            else:
                last = [(name, UploadedFile(data, first, end, name=file_name, content_type=kind))]


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


def _parts(data: Buffer, separator: bytes) -> Iterator[tuple[int, int]]:
    """Where lies what stands between the boundaries, each without the line end before the next one."""
    start = 0
    for _ in range(MOST_FIELDS + MOST_FILES + 3):
        found = data.find(separator, start)
        if found < 0:
            break
        end = found - 1 if start < found and data[found - 1 : found] == b"\n" else found
        yield start, end - 1 if start < end and data[end - 1 : end] == b"\r" else end
        start = found + len(separator)
    if start < len(data):
        yield start, len(data)


def _headers(data: Buffer, start: int, stop: int) -> tuple[_Headers, int]:
    """The headers of the part that lies there, and where its content begins; no headers where it has none.

    Raises:
        ParseError: they are too long.
    """
    end = data.find(_HEADER_END, start, min(stop, start + _LONGEST_HEADER))
    if end < 0:
        if stop - start >= _LONGEST_HEADER:
            raise ParseError("Multipart form parse error - Request max total header size exceeded.")
        return {}, start
    headers: _Headers = {}
    for line in data[start:end].split(b"\r\n"):
        try:
            text, parameters = header_parameters(line.decode())
            name, value = text.split(":", 1)
            headers[name] = value, {key: parameter.encode() for key, parameter in parameters.items()}
        except ValueError:
            continue
    return headers, end + len(_HEADER_END)


def _decoded(content: bytes) -> bytes:
    try:
        return base64.b64decode(content)
    except binascii.Error:
        return content


def _decoded_file(content: UploadedFile, into: Spool) -> Spool:
    rest = b""
    try:
        for chunk in content.chunks():
            stripped = rest + b"".join(chunk.split())
            aligned = len(stripped) // 4 * 4
            into.write(base64.b64decode(stripped[:aligned]))
            rest = stripped[aligned:]
    except binascii.Error:
        rest = b"?"
    if rest:
        raise ParseError("Multipart form parse error - Could not decode base64 data.")
    return into


def _file_name(name: str) -> str:
    """The name without folders; empty where nothing is left (`sanitize_file_name`)."""
    last = unescape(name).rsplit("/")[-1].rsplit("\\")[-1]
    printable = "".join(character for character in last if character.isprintable())
    return "" if printable in {".", ".."} else printable
