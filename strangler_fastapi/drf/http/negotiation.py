"""What form of an answer the client takes, of those that the view gives (`rest_framework.negotiation`)."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from starlette.requests import Request

from strangler_fastapi.drf.http.limits import require_few_parameters
from strangler_fastapi.drf.http.renderers import JSON_RENDERER, Renderer
from strangler_fastapi.errors import Http404, NotAcceptable

JSON = JSON_RENDERER.media_type

_LONGEST_HEADER = 8192
_LONGEST_TOKEN = 256
_MOST_TOKENS = 64


def negotiate(request: Request, renderers: Sequence[Renderer] = (JSON_RENDERER,)) -> None:
    """Chooses how a request is answered, by `?format=` and `Accept`, and notes the indent that `Accept` may ask for.

    As in DRF, `q` is not heeded: of several types the most specific is taken, and of renderers the first. An error of
    the choice itself is written by the first of all.

    Raises:
        Http404: `?format=` names another format.
        NotAcceptable: `Accept` names only other types.
        SuspiciousRequest: the query string has more parameters than Django reads.
    """
    scope, accept, first = request.scope, _accept(request), renderers[0]
    scope["indent"], scope["renderer"] = None, first
    if not scope["query_string"] and accept in ("*/*", first.media_type):
        # As nearly all clients send it.
        return
    require_few_parameters(scope["query_string"])
    name = request.query_params.get("format")
    offered = [renderer for renderer in renderers if not name or renderer.format == name]
    if not offered:
        raise Http404
    ranked = sorted(_tokens(accept), key=_precedence, reverse=True)
    for _, tokens in groupby(ranked, key=_precedence):
        of_rank = [*tokens]
        for renderer in offered:
            for token in of_rank:
                if media_type_matches(renderer.media_type, token):
                    scope["renderer"], scope["accepted"] = renderer, token
                    scope["indent"] = _indent(token)
                    return
    raise NotAcceptable


def accepted_parameters(request: Request) -> dict[str, str]:
    """The parameters of the media type in `Accept` that the answer is of, by name in small letters."""
    return _parameters(request.scope.get("accepted", ""))


def _accept(request: Request) -> str:
    """Several lines of one header are one list (RFC 9110, 5.3); a server of WSGI hands them on so."""
    given = [value.decode("latin-1") for name, value in request.scope["headers"] if name == b"accept"]
    return ",".join(given) if given else "*/*"


def _tokens(header: str) -> list[str]:
    if len(header) > _LONGEST_HEADER:
        header = header[: header.rfind(",", 0, _LONGEST_HEADER) + 1]
    tokens = (token.strip() for token in header.split(","))
    return [token for token in tokens if token and len(token) <= _LONGEST_TOKEN][:_MOST_TOKENS]


def _precedence(token: str) -> int:
    main, _, sub = token.split(";", 1)[0].strip().partition("/")
    if "*" in (main, sub):
        return 0 if main == "*" else 1
    return 3 if set(_parameters(token)) - {"q"} else 2


def _indent(token: str) -> int | None:
    """`Accept: application/json; indent=4` asks for JSON over several lines; 8 is the most, 0 is none."""
    try:
        return max(0, min(8, int(_parameters(token)["indent"]))) or None
    except (KeyError, ValueError):
        return None


def _parameters(token: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in token.split(";")[1:])
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


@lru_cache(maxsize=256)
def media_type_matches(media_type: str, token: str) -> bool:
    """Whether a header's token stands for `media_type`; in either `*` stands for anything."""
    wanted_main, _, wanted_sub = media_type.partition("/")
    main, _, sub = token.split(";", 1)[0].strip().lower().partition("/")
    return ("*" in (main, wanted_main) or main == wanted_main) and ("*" in (sub, wanted_sub) or sub == wanted_sub)
