"""A request as it goes over the wire, and what of an answer is looked at before it is compared."""

import json
import string
from typing import Final, NoReturn
from urllib.parse import quote

from multidict import CIMultiDict
from yarl import URL

from strangler.compare.client.errors import UnsendableError
from strangler.compare.client.response import Headers, SideResponse
from strangler.compare.client.sides import Side

_TYPE: Final = "content-type"
_COOKIE: Final = "cookie"
_NOT_SENT: Final = frozenset({"connection", "content-length", "transfer-encoding"})


def url_of(base: URL, target: str) -> URL:
    """The address of a target below `base`; no character of it is written otherwise than it was sent."""
    path = quote(_bytes(base.raw_path.rstrip("/") + target), safe=string.punctuation)
    # The query stands in the path too, since yarl would leave out an empty one.
    return URL.build(scheme=base.scheme, host=base.host or "", port=base.port, path=path, encoded=True)


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
    for name, text in (*side.headers, ("Accept-Encoding", "identity")):
        if name not in sent:
            sent[name] = text
    if _COOKIE in sent and "referer" not in own:
        url = URL(side.url)
        scheme = sent.get("X-Forwarded-Proto") or url.scheme
        sent["Referer"] = f"{scheme}://{sent.get('Host') or url.authority}/"
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


def _as_utf8(text: str) -> str:
    """The text that aiohttp writes as the bytes meant: it writes UTF-8, and `text` has a byte in each character."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeEncodeError:
        return text
    except UnicodeDecodeError:
        raise UnsendableError("a header that isn't UTF-8") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_STRICT: Final = json.JSONDecoder(parse_constant=_refuse)
