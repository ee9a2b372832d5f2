"""A mail server that keeps every mail and delivers none (RFC 5321, as far as clients of a service need it)."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

from strangler.settings import HOST

_LONGEST_LINE: Final = 64 * 1024
# What no two mails have alike, and what a relay adds.
_OWN_HEADERS: Final = frozenset({"date", "message-id", "received", "content-transfer-encoding", "mime-version"})
# An answer to AUTH PLAIN without a password, and both of AUTH LOGIN; any password will do.
_QUESTIONS: Final = {"PLAIN": 1, "LOGIN": 2}


class MailSink:
    """Gives each mail that arrives to `keep`, as what of it counts."""

    def __init__(self, keep: Callable[[Mapping[str, object]], None]) -> None:
        self._keep = keep

    async def start(self) -> asyncio.Server:
        """Listen on a free port."""
        return await asyncio.start_server(self._connected, HOST, 0, limit=_LONGEST_LINE)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # The client has gone, or speaks something else.
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, recipients = "", list[str]()

        async def say(*lines: str) -> None:
            writer.write("".join(f"{line}\r\n" for line in lines).encode())
            await writer.drain()

        await say("220 sink")
        while line := await reader.readline():
            verb, _, rest = line.decode(errors="replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    await say("250-sink", "250-8BITMIME", "250-SMTPUTF8", "250 AUTH PLAIN LOGIN")
                case "AUTH":
                    mechanism, _, given = rest.partition(" ")
                    for _ in range(_QUESTIONS.get(mechanism.upper(), 0) - bool(given)):
                        await say("334 ")
                        await reader.readline()
                    await say("235 2.7.0 ok")
                case "MAIL":
                    sender, recipients = _address(rest), []
                    await say("250 ok")
                case "RCPT":
                    recipients.append(_address(rest))
                    await say("250 ok")
                case "DATA":
                    await say("354 go on")
                    self._keep(mail_content(sender, recipients, await _data(reader)))
                    await say("250 ok")
                case "HELO" | "NOOP" | "RSET":
                    await say("250 ok")
                case "QUIT":
                    await say("221 bye")
                    return
                case _:
                    await say("502 unknown")


def mail_content(sender: str, recipients: list[str], data: bytes) -> dict[str, object]:
    """What of a mail counts: the envelope, its headers but those that no two mails share, and its parts."""
    mail = message_from_bytes(data, policy=policy.default)
    headers = {
        name.lower(): str(value)
        for name, value in mail.items()
        if name.lower() not in _OWN_HEADERS and name.lower() != "content-type"
    }
    parts = [_part(part) for part in mail.walk() if not part.is_multipart()]
    return {"sender": sender, "recipients": sorted(recipients), "headers": headers, "parts": parts}


def _part(part: EmailMessage) -> dict[str, object]:
    """A part by its text, whatever it is encoded in; a file by its digest."""
    found: dict[str, object] = {"type": part.get_content_type()}
    if name := part.get_filename():
        found["file"] = name
    content = part.get_content()
    if isinstance(content, str):
        return found | {"text": content.replace("\r\n", "\n")}
    data = content if isinstance(content, bytes) else bytes(content)
    return found | {"sha256": hashlib.sha256(data).hexdigest()}


async def _data(reader: asyncio.StreamReader) -> bytes:
    """A mail up to the line with a dot alone; a dot that begins another line stands for none (RFC 5321, 4.5.2)."""
    lines = list[bytes]()
    while (line := await reader.readline()) not in {b".\r\n", b".\n", b""}:
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)


def _address(rest: str) -> str:
    """The address in `FROM:<a@example.com> SIZE=1`."""
    return rest.partition("<")[2].partition(">")[0]
