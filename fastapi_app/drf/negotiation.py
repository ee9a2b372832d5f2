"""Whether the client takes JSON (`rest_framework.negotiation`, with the JSON renderer alone)."""

from starlette.requests import Request

from fastapi_app.drf.errors import NotAcceptable, NotFound

_LONGEST_HEADER = 8192
_LONGEST_TOKEN = 256
_MOST_TOKENS = 64


def negotiate(request: Request) -> None:
    """Lets the request pass if `Accept` and `?format=` allow JSON.

    Raises:
        NotFound: `?format=` names another format.
        NotAcceptable: `Accept` names only other types.
    """
    if request.query_params.get("format") not in (None, "", "json"):
        raise NotFound
    if not accepts_json(request.headers.get("accept", "*/*")):
        raise NotAcceptable


def accepts_json(header: str) -> bool:
    """Whether one of the header's media types matches `application/json`; DRF heeds no `q`."""
    return any(_matches(token) for token in _tokens(header))


def _tokens(header: str) -> list[str]:
    if len(header) > _LONGEST_HEADER:
        header = header[: header.rfind(",", 0, _LONGEST_HEADER) + 1]
    tokens = (token.strip() for token in header.split(","))
    return [token for token in tokens if token and len(token) <= _LONGEST_TOKEN][:_MOST_TOKENS]


def _matches(token: str) -> bool:
    main, _, sub = token.split(";", 1)[0].strip().lower().partition("/")
    return main in ("*", "application") and sub in ("*", "json")
