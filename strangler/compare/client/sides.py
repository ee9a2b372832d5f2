"""The two sides that are compared: the local stack's services, or any two base addresses."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from strangler.compare.client.response import Headers
from strangler.errors import UsageError
from strangler.routes.route import Stack
from strangler.settings import LocalSettings


@dataclass(frozen=True, kw_only=True)
class Side:
    """A stack, or any server that answers the same requests.

    Attributes:
        name: what a person calls it, such as `django` or `left`.
        url: the base address, without a trailing slash; a case's target is put behind it.
        links: what links in its answers begin with, a prefix or an address with one.
        headers: added to every request besides the case's own.
        stack: which must have answered where a gateway names it (`X-Served-By`); empty for any.
    """

    name: str
    url: str
    links: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    stack: str = ""


_AGENT: Final = ("User-Agent", "strangler-compare")


def sides_local(settings: LocalSettings, *, headers: Headers = ()) -> tuple[Side, Side]:
    """Both services of the running stack, requested directly with the headers that nginx would send.

    Both receive v1's prefix and the same host, so that the links in both answers are v1's.
    """
    prefixes = settings.project.prefixes
    standard = (
        ("Host", settings.probe_host),
        ("X-Forwarded-Prefix", prefixes.v1 or "/"),
        ("X-Forwarded-Proto", "http"),
        _AGENT,
    )
    left, right = (
        Side(
            name=stack,
            url=settings.stack_url(stack) + prefixes.upstream(stack),
            links=prefixes.v1,
            headers=_besides(headers, standard),
        )
        for stack in Stack
    )
    return left, right


def sides_gateway(settings: LocalSettings, *, headers: Headers = ()) -> tuple[Side, Side]:
    """Both stacks through the gateway, where their own addresses can't be reached.

    Requests name the stack of each side; where it may not be chosen from here, v1 and v2 decide, and an
    answer of the other stack is not compared.
    """
    prefixes = settings.project.prefixes
    left, right = (
        Side(
            name=stack,
            url=f"{settings.proxy_url}{prefix}",
            links=prefix,
            headers=_besides(headers, (("X-Stack", stack), _AGENT)),
            stack=stack,
        )
        for stack, prefix in ((Stack.DJANGO, prefixes.v1), (Stack.FASTAPI, prefixes.v2))
    )
    return left, right


def side_at(name: str, url: str, *, headers: Headers = ()) -> Side:
    """Any server, by its base address.

    :raises UsageError: it is none.
    """
    address = url.rstrip("/")
    try:
        parts = urlsplit(address)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment:
        raise UsageError(f"{name.upper()} is no base address", "write it like http://127.0.0.1:8000/api")
    if parts.username is not None:
        raise UsageError(f"{name.upper()} holds a name or a password", "leave it out, and use --login or --header")
    return Side(name=name, url=address, links=address, headers=_besides(headers, (_AGENT,)))


def header_parse(text: str) -> tuple[str, str]:
    """The header in `Name: value`.

    :raises UsageError: it is none; doesn't repeat what might be secret.
    """
    name, colon, value = text.partition(":")
    if not colon or not name.strip().replace("-", "").replace("_", "").isalnum():
        raise UsageError("a --header is no header", "write it like 'Accept-Language: de'")
    return name.strip(), value.strip()


def _besides(headers: Headers, standard: Headers) -> Headers:
    names = {name.lower() for name, _text in headers}
    return (*headers, *((name, text) for name, text in standard if name.lower() not in names))
