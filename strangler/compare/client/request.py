"""A request as it goes over the wire, and what of an answer is looked at before it is compared."""

import json
import string
from typing import Final, NoReturn
from urllib.parse import quote, urlsplit

import httpcore
from multidict import CIMultiDict

from strangler.compare.client.errors import UnsendableError
from strangler.compare.client.response import Headers, SideResponse
from strangler.compare.client.sides import Side

_TYPE: Final = "content-type"
_COOKIE: Final = "cookie"
_NOT_SENT: Final = frozenset({"connection", "content-length", "transfer-encoding"})


def url_of(base: str, target: str) -> httpcore.URL:
    """The address of a target below `base`; no character of it is written otherwise than it was sent."""
    parts = urlsplit(base)
    path = quote(_bytes(parts.path.rstrip("/") + target), safe=string.punctuation)
    return httpcore.URL(scheme=parts.scheme, host=_ascii(parts.hostname or ""), port=parts.port, target=path)


def headers_sent(side: Side, headers: Headers, credentials: Headers) -> CIMultiDict[str]:
    """The headers of a request: the case's own, the side's besides them, and the credentials.

    A header of the case stands in place of one of the credentials, and an empty one leaves that out; its cookies are
    sent besides theirs. A request that carries a cookie says where it comes from, which Django wants to know over TLS.

    :raises Unaskable: a header is none that can be sent.
    """
    sent: CIMultiDict[str] = CIMultiDict()
    given = {name.lower(): text for name, text in credentials}
    for name, text in headers:
        if name.lower() not in _NOT_SENT and (text or name.lower() not in given):
            sent.add(name, _as_utf8(text))
    own = {name.lower() for name, text in headers if name.lower() != _COOKIE or not text}
    cookies = sent.getall(_COOKIE, [])
    for name, text in credentials:
        if name.lower() == _COOKIE and name.lower() not in own:
            sent[name] = "; ".join((_as_utf8(text), *cookies))
        elif name.lower() not in own | _NOT_SENT:
            sent.add(name, _as_utf8(text))
    url = urlsplit(side.url)
    for name, text in (*side.headers, ("Host", _ascii(url.netloc)), ("Accept-Encoding", "identity")):
        if name not in sent:
            sent[name] = text
    if _COOKIE in sent and "referer" not in own:
        scheme = sent.get("X-Forwarded-Proto") or url.scheme
        sent["Referer"] = f"{scheme}://{sent['Host'] or url.netloc}/"
    return sent


def is_json_broken(method: str, answer: SideResponse, *, known: SideResponse | None = None) -> bool:
    """Whether a body is called JSON and can't be read as such; the same body of `known` could be."""
    # Most bodies are what the other side has sent, and to read one takes longer than all else that is done with it.
    if known is not None and known.body == answer.body and known.header(_TYPE) == answer.header(_TYPE):
        return False
    media = (answer.header(_TYPE) or "").partition(";")[0].strip().lower()
    if method == "HEAD" or not answer.body or not (media == "application/json" or media.endswith("+json")):
        return False
    try:
        _STRICT.decode(answer.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return True
    return False


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _ascii(host: str) -> str:
    """A host as requests name it: an international one by its letters of ASCII."""
    return host if host.isascii() else host.encode("idna").decode()


def _as_utf8(text: str) -> str:
    """The text whose UTF-8 is the bytes meant; `text` has a byte in each character."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeEncodeError:
        return text
    except UnicodeDecodeError:
        raise UnsendableError("a header that isn't UTF-8") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_STRICT: Final = json.JSONDecoder(parse_constant=_refuse)
