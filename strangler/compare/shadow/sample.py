"""One sampled request, as nginx sends it: a datagram of syslog with JSON in it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from strangler.compare.case import Case
from strangler.compare.cases.message import secrets_in_target
from strangler.compare.cases.router import is_rewritten
from strangler.compare.shadow.inbox import MAX_BYTES

_FIELDS: Final = ("method", "uri", "route", "host", "scheme", "request_id", "api")
_SENT: Final = {
    "authorization": "Authorization",
    # The one that signs a caller in.
    "cookie": "Cookie",
    "accept": "Accept",
    "accept_language": "Accept-Language",
}
_CREDENTIALS: Final = frozenset({"Authorization", "Cookie"})
_ROUTE: Final = re.compile(r"[a-z0-9_.]{1,200}")
_LONGEST_ID: Final = 128
_NUMBER: Final = re.compile(rb'^[^{]*\{"number":(\d{1,18}),')


class SampleError(ValueError):
    """A datagram that is no sample; the error has no content of it."""


@dataclass(frozen=True, kw_only=True)
class SampledRequest:
    """A request that may be repeated on both stacks.

    `target` is the path below the API's prefix with its query, as sent. Texts hold one byte in each character
    (latin-1). `number` counts what nginx sent, over all routes. `headers` never show in a representation, where a token
    may be among them.
    """

    method: str
    target: str
    route: str
    host: str
    scheme: str
    request_id: str
    number: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not turn up in a report, should a stack repeat it."""
        tokens = (value for name, value in self.headers if name in _CREDENTIALS)
        return (*tokens, *secrets_in_target(self.target))

    @property
    def case(self) -> Case:
        """The request for both stacks."""
        headers = (
            ("Host", self.host),
            ("X-Forwarded-Proto", self.scheme),
            ("X-Request-ID", f"shadow-{self.request_id}"[:_LONGEST_ID]),
        )
        return Case(method=self.method, target=self.target, headers=(*headers, *self.headers), route=self.route)


def sample_parse(datagram: bytes, prefixes: Mapping[str, str]) -> SampledRequest:
    """The request in a datagram, after its syslog header; `prefixes` are those of each version of the API.

    :raises SampleError: it is cut, isn't GET or HEAD, or its path isn't the one that nginx matched.
    """
    if len(datagram) > MAX_BYTES:
        raise SampleError("too long")
    fields = _fields(datagram)
    prefix = prefixes.get(fields["api"])
    if prefix is None or fields["method"] not in {"GET", "HEAD"} or not _ROUTE.fullmatch(fields["route"]):
        raise SampleError("not of a route")
    path = fields["uri"].partition("?")[0]
    if not path.startswith(f"{prefix}/") or is_rewritten(path):
        raise SampleError("not the path that nginx matched")
    return SampledRequest(
        method=fields["method"],
        target=fields["uri"].removeprefix(prefix),
        route=fields["route"],
        host=fields["host"],
        scheme=fields["scheme"],
        request_id=fields["request_id"],
        number=_number(datagram),
        headers=tuple((header, fields[name]) for name, header in _SENT.items() if fields.get(name)),
    )


def _number(datagram: bytes) -> int | None:
    found = _NUMBER.search(datagram)
    return int(found[1]) if found else None


def _fields(datagram: bytes) -> dict[str, str]:
    _, brace, rest = datagram.partition(b"{")
    try:
        # nginx leaves bytes beyond ASCII as they came, which need not be UTF-8.
        fields = json.loads((brace + rest).decode("latin-1"))
    except (ValueError, RecursionError):
        raise SampleError("no JSON") from None
    if not isinstance(fields, dict):
        raise SampleError("no object")
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    if any(name not in texts for name in _FIELDS):
        raise SampleError("a field is missing")
    return texts
