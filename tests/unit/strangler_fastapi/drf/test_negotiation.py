"""Asked the same, `negotiation` and DRF's own negotiation with the JSON renderer answer the same."""

import pytest
from django.http import Http404
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import NotAcceptable as DrfNotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request as DrfRequest
from rest_framework.test import APIRequestFactory
from rest_framework.utils.mediatypes import media_type_matches as drf_media_type_matches

from strangler_fastapi.drf.http.negotiation import JSON, media_type_matches, negotiate
from strangler_fastapi.drf.http.renderers import BROWSABLE_API, EVENT_STREAM, JSON_RENDERER, Renderer
from strangler_fastapi.errors import NotAcceptable, NotFound
from tests.unit.fastapi_app.asking import make_request

MEDIA_TYPES = st.tuples(
    st.sampled_from(["*", "application", "APPLICATION", "text", "app", ""]),
    st.sampled_from(["/", "", " / "]),
    st.sampled_from(["*", "json", "JSON", "html", "vnd.api+json", ""]),
).map("".join)
PARAMETERS = st.sampled_from(
    [
        *("q=0.5", "q=0", " q=1", "Q=1", "indent=4", " indent=99", "indent=-1", "indent=0", "indent=x", 'indent="3"'),
        *("indent= 2", "INDENT=2", "charset=utf-8", "indent", "", "=", "indent=4=5"),
    ]
)
TOKENS = st.builds(
    lambda kind, parameters: ";".join([kind, *parameters]), MEDIA_TYPES, st.lists(PARAMETERS, max_size=3)
)
HEADER_TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)


def drf_answer(accept: str | None, query: str = "") -> int | str | None:
    """The indent that DRF would write with, or the error that it would answer."""
    headers = {} if accept is None else {"HTTP_ACCEPT": accept}
    request = DrfRequest(APIRequestFactory().get(f"/api/feed/{query}", **headers))
    try:
        renderer, media_type = DefaultContentNegotiation().select_renderer(request, [JSONRenderer()])
    except DrfNotAcceptable:
        return "406"
    except Http404:
        return "404"
    indent: int | None = renderer.get_indent(media_type, {})
    return indent


def answer(accept: str | None, query: str = "") -> int | str | None:
    headers = {} if accept is None else {"accept": accept}
    request = make_request(query=query.removeprefix("?").encode(), headers=headers)
    try:
        negotiate(request)
    except NotAcceptable:
        return "406"
    except NotFound:
        return "404"
    indent: int | None = request.scope["indent"]
    return indent


@given(token=TOKENS | HEADER_TEXT.filter(lambda text: "," not in text))
@example(token="application/json; indent=4")
@example(token="a" * 257)
@example(token="")
def test_one_media_type_is_taken_or_refused_as_in_drf(token: str) -> None:
    assert answer(token) == drf_answer(token)


@given(tokens=st.lists(TOKENS | HEADER_TEXT, max_size=5))
@example(tokens=["text/plain"] * 64 + ["*/*"])
@example(tokens=["text/plain"] * 63 + ["*/*"])
@example(tokens=["x" * 300, "application/json"])
@example(tokens=["x" * 8190, "application/json"])
def test_several_are_too(tokens: list[str]) -> None:
    accept = ",".join(tokens)
    assert (answer(accept) == "406") == (drf_answer(accept) == "406")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*;indent=2, application/json;indent=4",
        "application/*;indent=2, */*;indent=3",
        "application/json, application/json;indent=4",
        "application/json;q=0.1;indent=4, application/json;q=0.9",
        "application/json;q=0.9, application/json;q=0.1;indent=4",
        "text/html, */*;q=0.1",
    ],
)
def test_the_most_specific_decides_on_the_indent(accept: str) -> None:
    assert answer(accept) == drf_answer(accept)


@pytest.mark.parametrize("query", ["", "?format=json", "?format=", "?format=xml", "?format=JSON", "?format=api"])
@pytest.mark.parametrize("accept", [None, "text/html", "*/*"])
def test_the_format_in_the_query(query: str, accept: str | None) -> None:
    assert answer(accept, query) == drf_answer(accept, query)


@pytest.mark.parametrize(
    ("accept", "passes"),
    [
        (None, True),
        ("*/*", True),
        ("text/*", True),
        ("text/event-stream", True),
        ("application/json, text/event-stream;q=0.1", True),
        ("application/json", False),
        ("text/html", False),
    ],
)
def test_a_view_may_give_something_else_than_json(accept: str | None, passes: bool) -> None:
    request = make_request(headers={} if accept is None else {"Accept": accept})
    if passes:
        negotiate(request, (EVENT_STREAM,))
    else:
        with pytest.raises(NotAcceptable):
            negotiate(request, (EVENT_STREAM,))


@given(token=TOKENS | HEADER_TEXT)
@example(token="application/json; charset=utf-8")
def test_a_content_type_is_recognised_as_in_drf(token: str) -> None:
    for media_type in (JSON, "multipart/form-data"):
        assert media_type_matches(media_type, token) == drf_media_type_matches(media_type, token)


class DrfCsv(BaseRenderer):
    media_type = "text/csv"
    format = "csv"


OF_ONE = {
    JSONRenderer: JSON_RENDERER,
    BrowsableAPIRenderer: BROWSABLE_API,
    DrfCsv: Renderer("text/csv", "csv", lambda content, _request: str(content)),
}
# Of types of one rank DRF keeps a set, but looks at its renderers in turn.
CHOICES = st.lists(
    st.sampled_from(
        [
            *("text/html", "application/xhtml+xml", "application/xml;q=0.9", "*/*;q=0.8", "text/csv", "text/*"),
            *("application/json", "application/json;indent=2", "application/*", "*/*", "text/html;level=1"),
        ]
    ),
    max_size=5,
).map(", ".join)


@given(
    kinds=st.lists(st.sampled_from([*OF_ONE]), min_size=1, max_size=3, unique=True),
    accept=CHOICES | st.none(),
    form=st.sampled_from(["", "?format=json", "?format=csv", "?format=api", "?format=", "?format=xml"]),
)
@example(kinds=[JSONRenderer, BrowsableAPIRenderer], accept="text/html,application/xml;q=0.9,*/*;q=0.8", form="")
def test_the_same_renderer_is_chosen_as_by_drf(kinds: list[type[BaseRenderer]], accept: str | None, form: str) -> None:
    given_headers = {} if accept is None else {"HTTP_ACCEPT": accept}
    theirs: str | None
    try:
        theirs = (
            DefaultContentNegotiation()
            .select_renderer(
                DrfRequest(APIRequestFactory().get(f"/api/feed/{form}", **given_headers)), [kind() for kind in kinds]
            )[0]
            .media_type
        )
    except (DrfNotAcceptable, Http404) as error:
        theirs = type(error).__name__
    headers = {} if accept is None else {"accept": accept}
    request = make_request(query=form.removeprefix("?").encode(), headers=headers)
    ours: str
    try:
        negotiate(request, [OF_ONE[kind] for kind in kinds])
        ours = request.scope["renderer"].media_type
    except NotAcceptable:
        ours = "NotAcceptable"
    except NotFound:
        ours = "Http404"
    assert ours == theirs
    if ours in ("NotAcceptable", "Http404"):
        # An error is written by the first.
        assert request.scope["renderer"] is OF_ONE[kinds[0]]
