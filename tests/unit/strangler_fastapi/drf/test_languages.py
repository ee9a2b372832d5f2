"""A request's language and the error texts in it, held against Django's own."""

import json
import re
import struct
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from django.db import models
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import path
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import trans_real
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers as drf
from rest_framework.exceptions import NotFound as DrfNotFound
from rest_framework.exceptions import Throttled as DrfThrottled
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response as DrfResponse
from rest_framework.validators import UniqueValidator
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Reflected
from strangler_fastapi.application import create_application
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields import fields
from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.collection_fields import ListField
from strangler_fastapi.drf.fields.computed_fields import SerializerMethodField
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.number_fields import IntegerField
from strangler_fastapi.drf.fields.text_fields import IPAddressField
from strangler_fastapi.drf.http.languages import Languages, Message
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.links import ForeignKey
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.errors import ErrorDetail, NotFound, Throttled, error_codes
from tests.languages import project_in_languages

DECLARED = Serializer(
    "Declared",
    {
        "inner": ListField(child=ChoiceField(choices={1: "Yes", 2: "No"}, label="group")),
        "plain": fields.CharField(help_text="Only."),
    },
)
THING = Serializer(
    "Thing",
    {
        "title": fields.CharField(max_length=3, label="Name"),
        "rank": IntegerField(
            label="superuser status", help_text="Enter a number.", min_value=-(2**31), max_value=2**31 - 1
        ),
        "site": ChoiceField(label="Last login", choices={1: "Yes", 2: "two"}),
        "code": fields.CharField(label="Password", max_length=9),
        "declared": NestedField(children=DECLARED, link=ForeignKey("made_id", Reflected, "id"), read_only=False),
        # Others' names are translated, and those that are made of a key aren't.
        "user": SerializerMethodField(method=len),
        "group": fields.ReadOnlyField(type="field"),
        "email_address": fields.ReadOnlyField(type="field", label="Email address"),
    },
)
PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")
CODES = ("de", "en", "en-gb", "fr", "pt-br", "ru", "ar", "zh-hans", "zh-hant", "es-mx", "nn-no", "x-unknown")
NUMBERS = (0, 1, 2, 5, 11, 21, 100, 101, 1_002)
PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sd]|\{[^}]*\}")
PREFERENCES = st.lists(
    st.sampled_from(
        [*CODES, "de-at", "de-CH-1996", "EN-us", "en-gb-oed", "zh-cn", "zh-TW", "pt", "es", "nn", "*", "nb", "-", "d e"]
    ).flatmap(lambda code: st.sampled_from([code, f"{code};q=0.5", f"{code} ; q=1.000", f"{code};q=2", f"{code};q=0"])),
    max_size=4,
).map(", ".join)


with isolate_apps("django_app.blog"):

    class Thing(models.Model):
        title = models.CharField(_("name"), max_length=3)
        rank = models.IntegerField()
        site = models.IntegerField(_("last login"), choices=[(1, _("Yes")), (2, "two")])
        code = models.CharField(_("password"), unique=True, max_length=9)

        class Meta:
            app_label = "blog"
            verbose_name = _("user")


class Made(drf.Serializer[Any]):
    title = drf.CharField(max_length=3)
    rank = drf.IntegerField(min_value=1)
    address = drf.IPAddressField(required=False)
    old_address = drf.IPAddressField(required=False, protocol="ipv4")


class Declared(drf.Serializer[Any]):
    inner = drf.ListField(child=drf.ChoiceField([(1, _("Yes")), ("more", [(2, _("No"))])], label=_("group")))
    plain = drf.CharField(help_text="Only.")


class ThingSerializer(drf.ModelSerializer[Thing]):
    declared = Declared()
    user = drf.SerializerMethodField()
    group = drf.ReadOnlyField()
    email_address = drf.ReadOnlyField(label=_("Email address"))

    class Meta:
        model = Thing
        fields = ("title", "rank", "site", "code", "declared", "user", "group", "email_address")
        extra_kwargs = {"rank": {"label": _("superuser status"), "help_text": _("Enter a number.")}}  # noqa: RUF012 - DRF's own


class ThingView(GenericAPIView[Any]):
    permission_classes = ()
    authentication_classes = ()
    serializer_class = ThingSerializer

    def post(self, request: Any) -> DrfResponse:  # noqa: ARG002 - DRF's signature
        return DrfResponse({})


class MadeView(GenericAPIView[Any]):
    permission_classes = ()
    authentication_classes = ()
    serializer_class = Made

    def get(self, request: Any) -> DrfResponse:
        if "wait" in request.query_params:
            raise DrfThrottled(wait=int(request.query_params["wait"]))
        raise DrfNotFound

    def post(self, request: Any) -> DrfResponse:
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        return DrfResponse({})


@pytest.fixture(scope="module")
def document() -> Iterator[str]:
    """What is exported of a project in all the languages; Django's side answers in them meanwhile."""
    urls: Any = ModuleType("urls_in_languages")
    views = {"made/": MadeView, "things/": ThingView}
    urls.urlpatterns = [path(name, non_atomic_requests(view.as_view())) for name, view in views.items()]
    with project_in_languages(CODES, default="fr", ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"]) as exported:
        yield exported


@pytest.fixture(scope="module")
def languages(document: str, tmp_path_factory: pytest.TempPathFactory) -> Languages:
    file = tmp_path_factory.mktemp("languages") / "languages.json"
    file.write_text(document, encoding="utf-8")
    return Languages.read(file)


@given(cookie=st.sampled_from([*CODES, "", "DE", "pt", "zh-cn", "de_at", "de-" + "a" * 600]), accepted=PREFERENCES)
@settings(max_examples=300, derandomize=True)
def test_a_request_has_the_language_that_django_finds(languages: Languages, cookie: str, accepted: str) -> None:
    request = HttpRequest()
    request.COOKIES["django_language"] = cookie
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    headers = Headers({"cookie": f"django_language={cookie}", "accept-language": accepted})
    assert languages.of_request(headers) == translation.get_language_from_request(request).lower()


@pytest.mark.parametrize("length", [490, 499, 500, 501, 510, 5_000])
def test_of_a_long_header_as_much_counts_as_for_django(languages: Languages, length: int) -> None:
    request = HttpRequest()
    accepted = ("x-none, " * (length // 8)).ljust(length - 4, "y") + ", de"
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    found = languages.of_request(Headers({"accept-language": accepted}))
    assert found == translation.get_language_from_request(request)


def filled(text: str, number: int) -> str:
    values = {name: number if number % 2 else str(number) for name in named(text)}
    if "%" in text:
        return text % dict.fromkeys(values, number) if values else text % ((number,) * len(re.findall("%[sd]", text)))
    return text.format(*("a %s {b}",) * 5, **values) if "{" in text else text


def named(text: str) -> list[str]:
    marks = ("%(", ")") if "%(" in text else ("{", "}")
    return [part.partition(marks[1])[0].split("!")[0].split(":")[0] for part in text.split(marks[0])[1:]]


def test_every_message_is_found_by_its_english_sentence(languages: Languages) -> None:
    alike: dict[str, list[Message]] = {}
    for message in languages.messages:
        for text in (message.text, message.plural or message.text):
            alike.setdefault(PLACEHOLDER.sub("{}", text), []).append(message)
    asked = 0
    for message, language in product(languages.messages, languages.translations):
        for number in NUMBERS if message.plural else (7,):
            english = message.text if message.plural is None or number == 1 else message.plural
            found = languages.translated(filled(english, number), language)
            wanted = {djangos(each, number, language) for each in alike[PLACEHOLDER.sub("{}", english)]}
            # A translator's placeholder that the English text doesn't have fails in Django, too.
            if None not in wanted:
                assert found in wanted, (language, message)
                asked += 1
    assert asked > 2_000


def djangos(message: Message, number: int, language: str) -> str | None:
    with translation.override(language):
        text = (
            translation.gettext(message.text)
            if message.plural is None
            else translation.ngettext(message.text, message.plural, number)
        )
    try:
        return filled(text, number)
    except (KeyError, IndexError, ValueError, TypeError):
        return None


@pytest.fixture(scope="module")
def app(languages: Languages) -> Any:
    router = feature_router(PREFIXES, "made")
    serializer = Serializer(
        "Made",
        {
            "title": fields.CharField(max_length=3),
            "rank": IntegerField(min_value=1),
            "address": IPAddressField(required=False),
            "old_address": IPAddressField(required=False, protocol="ipv4"),
        },
    )
    view = View(router, "/made/", name="Made", methods=("GET", "POST"), permission=(AllowAny,), serializer=serializer)

    async def read(request: Request) -> Response:
        """An error."""
        if "wait" in request.query_params:
            raise Throttled.until(int(request.query_params["wait"]))
        raise NotFound

    async def write(request: Request, session: Session) -> Response:
        """What was sent."""
        await serializer.read(request, session)
        return JsonResponse({})

    view.get(response=dict)(read)
    view.post()(write)
    things = View(router, "/things/", name="Thing", methods=("POST",), permission=(AllowAny,), serializer=THING)
    things.post()(write)
    app = create_application((router,), service="made", prefixes=PREFIXES, database=lambda: None, languages=languages)  # type: ignore[arg-type, return-value] # never started
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    return app


@pytest.mark.parametrize("accepted", ["de-AT,en;q=0.5", "ru", "ar", "en", "xx", "", "zh-TW"])
@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "/made/", b""),
        ("GET", "/made/?wait=1", b""),
        ("GET", "/made/?wait=22", b""),
        ("PUT", "/made/", b"{}"),
        ("POST", "/made/", b"{}"),
        ("POST", "/made/", b'{"title": "long", "rank": 0}'),
        ("POST", "/made/", b'{"title": null, "rank": "x"}'),
        ("POST", "/made/", b'{"title": "abc", "rank": 1}'),
        # DRF and Django have a sentence each that read alike in English.
        ("POST", "/made/", b'{"address": "x", "old_address": "x"}'),
        ("POST", "/made/", b'{"address": ":x", "old_address": "::1"}'),
        ("POST", "/made/", b'{"address": 5, "old_address": 5}'),
        ("POST", "/made/", b"{"),
        ("POST", "/made/", b"[]"),
        ("OPTIONS", "/made/", b""),
        ("OPTIONS", "/things/", b""),
    ],
)
async def test_an_answer_is_in_the_language_of_djangos(
    app: Any, accepted: str, method: str, url: str, body: bytes
) -> None:
    headers = {"Accept-Language": accepted, "Content-Type": "application/json"}
    theirs = Client(headers={"Accept-Language": accepted}).generic(method, url, body, content_type="application/json")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        ours = await client.request(method, url, content=body, headers=headers)
    assert (ours.status_code, ours.content.decode()) == (theirs.status_code, theirs.content.decode())
    assert ours.headers["content-language"] == theirs.headers["Content-Language"]
    assert "Accept-Language" in ours.headers["vary"]


def test_a_refusal_names_models_and_fields_in_the_language_of_djangos(languages: Languages) -> None:
    asked = set()
    for code in ("de", "fr", "ru"):
        with translation.override(code):
            (unique,) = (
                each for each in ThingSerializer().fields["code"].validators if isinstance(each, UniqueValidator)
            )
        message = "user with this password already exists."
        assert languages.translated({"code": [message]}, code) == {"code": [str(unique.message)]}
        asked.add(str(unique.message))
    assert len(asked) == 3


def test_texts_that_nobody_translates_stay_as_they_are(languages: Languages) -> None:
    body = {
        "code": "Not found.",
        "detail": ["Not found.", "Boats only.", 3, None],
        "messages": [{"message": "x" * 9_000}],
    }
    assert languages.translated(body, "de") == body | {"detail": ["Nicht gefunden.", "Boats only.", 3, None]}
    assert languages.translated(body, "en") == body
    coded = languages.translated({"detail": ErrorDetail("Not found.", "not_found")}, "de")
    assert error_codes(coded) == {"detail": "not_found"}
    assert coded == {"detail": "Nicht gefunden."}
    assert languages.translated({"code": ["Not found."]}, "de") == {"code": ["Nicht gefunden."]}


def test_values_are_put_in_as_they_are() -> None:
    made = Languages(
        default="de",
        negotiated=False,
        cookie="",
        supported={},
        fallbacks={},
        messages=[Message("%(value)s isn't %(kind)s of 100%%."), Message("{0} and {1}.")],
        translations={
            "de": {
                "%(value)s isn't %(kind)s of 100%%.": ["Kein %(kind)s zu 100%%: %(value)s."],
                "{0} and {1}.": ["{1}, {0}."],
            }
        },
        plurals={"de": "0" * 200},
    )
    assert made.of_request(Headers({"accept-language": "fr"})) == "de"
    assert made.translated("%(kind)s isn't a\nb of 100%.", "de") == "Kein a\nb zu 100%: %(kind)s."
    assert made.translated("{1} and {0}.", "de") == "{0}, {1}."


def test_a_file_that_is_no_such_document_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "languages.json"
    file.write_text(json.dumps({"format": 2}))
    with pytest.raises(ValueError, match="write it again with manage"):
        Languages.read(file)


def test_a_catalogue_that_django_cannot_read_is_left_out(tmp_path: Path) -> None:
    """As translators leave it whose template they never filled in: Django answers 500 in that language."""
    header = b"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\n"
    # The empty text's translation alone: two tables of one entry each, then both texts.
    entries = struct.pack("<7I", 0x950412DE, 0, 1, 28, 36, 0, 44) + struct.pack("<4I", 0, 44, len(header), 45)
    folder = tmp_path / "rn" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(entries + b"\0" + header + b"\0")
    try:
        with project_in_languages(("en", "rn", "fr"), default="en", LOCALE_PATHS=[str(tmp_path)]) as exported:
            found = json.loads(exported)
    finally:
        trans_real._translations.pop("rn", None)
    assert found["supported"] == {"en": True, "rn": False, "fr": True}
    assert "rn" not in found["translations"]
