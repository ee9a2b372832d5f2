"""The two sides that are compared: the local stack's services, or any two base addresses."""

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from strangler.compare.case import Case
from strangler.compare.client.response import Headers, RequestLinks
from strangler.errors import UsageError
from strangler.routes.route import Stack

if TYPE_CHECKING:
    # The shadow worker has sides of its own, and neither.
    from strangler.project import Project
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
        own: the links that have to name the side's own prefix; None where the other side's will do.
        v2: the side as it is requested where v2's prefix is compared with v1's; None where it can't be.
    """

    name: str
    url: str
    links: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    stack: str = ""
    own: RequestLinks | None = field(default=None, repr=False)
    v2: "Side | None" = field(default=None, repr=False)

    def requested_for(self, case: Case) -> "Side":
        """The side as this case requests it."""
        return self.v2 if case.below_v2 and self.v2 else self


# No client names it: a link with it was made of the request, and isn't a text that somebody has stored.
_LINKS_PORT: Final = 9
_AGENT: Final = ("User-Agent", "strangler-compare")


def sides_local(settings: "LocalSettings", *, headers: Headers = ()) -> tuple[Side, Side]:
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
    return with_v2(left, Stack.DJANGO, settings.project), with_v2(right, Stack.FASTAPI, settings.project)


def with_v2(side: Side, stack: Stack, project: "Project") -> Side:
    """The side with what cases below v2's prefix request of it: FastAPI below v2's, and Django below v1's, as always.

    So FastAPI's links below v2's are compared with Django's below v1's, whatever Django makes of a prefix.

    :raises UsageError: the routes file can't be read.
    """
    prefix = project.prefixes.v1 if stack is Stack.DJANGO else project.prefixes.v2
    begins = {each.static_prefix or "/" for each in project.load_routes().resources if each.path != "/"}
    given = {name.lower(): text for name, text in side.headers}
    name = re.sub(r":\d+$", "", given.get("host") or urlsplit(side.url).netloc)
    own = RequestLinks(host=f"{name}:{_LINKS_PORT}", prefix=prefix, paths=tuple(sorted(begins)))
    sent = {"Host": own.host, "X-Forwarded-Prefix": prefix or "/"}
    others = tuple((name, text) for name, text in side.headers if name.title() not in sent)
    return replace(side, v2=replace(side, links=prefix, own=own, headers=(*sent.items(), *others)))


def sides_gateway(settings: "LocalSettings", *, headers: Headers = ()) -> tuple[Side, Side]:
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
    return with_v2(left, Stack.DJANGO, settings.project), with_v2(right, Stack.FASTAPI, settings.project)


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
