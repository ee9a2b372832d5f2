"""Generated views: each is built of DRF and of the library, and both are sent the same generated requests."""

import asyncio
import json
import logging
import math
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test.utils import override_settings
from django.utils import translation
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework import authentication as drf_authentication
from rest_framework import permissions as drf_permissions
from rest_framework import serializers as drf
from rest_framework import throttling as drf_throttling
from rest_framework import versioning as drf_versioning
from rest_framework.exceptions import AuthenticationFailed as DrfFailed
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response as DrfResponse
from rest_framework.test import APIRequestFactory
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Reflected
from strangler_fastapi.application import create_application
from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields import fields
from strangler_fastapi.drf.fields.choice_fields import ChoiceField, FilePathField, MultipleChoiceField, grouped
from strangler_fastapi.drf.fields.collection_fields import DictField, HStoreField, JSONField, ListField
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.number_fields import BigIntegerField, DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.fields.text_fields import (
    EmailField,
    IPAddressField,
    RegexField,
    SlugField,
    URLField,
    UUIDField,
)
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.http import versioning
from strangler_fastapi.drf.http.languages import Languages
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.links import ForeignKey, OneToMany
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views import permissions
from strangler_fastapi.drf.views.throttles import BaseThrottle
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.errors import AuthenticationFailed
from tests.asgi import FORM, MULTIPART, answer_to, form_body
from tests.languages import project_in_languages

PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")
CHOICES = {"a": "A", "1": "One"}
GROUPS: dict[Any, Any] = {"Letters": {"a": "A", "b": "B"}, 1: "One"}
FOLDER = str(Path(__file__).parent)
ZONES = {name: {"default_timezone": ZoneInfo(name)} for name in ("Europe/Berlin", "America/New_York")}


class DrfInner(drf.Serializer[Any]):
    a = drf.IntegerField(max_value=9)
    b = drf.CharField(required=False, allow_null=True)


INNER = Serializer("Inner", {"a": IntegerField(max_value=9), "b": fields.CharField(required=False, allow_null=True)})
# DRF's class and the library's, with the settings that either wants.
KINDS: list[tuple[Any, Any, dict[str, Any], dict[str, Any]]] = [
    (drf.BooleanField, fields.BooleanField, {}, {}),
    (drf.CharField, fields.CharField, {"max_length": 3}, {"max_length": 3}),
    (drf.EmailField, EmailField, {}, {}),
    (drf.RegexField, RegexField, {"regex": "^a"}, {"regex": "^a"}),
    (drf.SlugField, SlugField, {}, {}),
    (drf.URLField, URLField, {}, {}),
    (drf.UUIDField, UUIDField, {}, {}),
    (drf.IPAddressField, IPAddressField, {}, {}),
    (drf.IntegerField, IntegerField, {"min_value": 0}, {"min_value": 0}),
    (drf.FloatField, FloatField, {"max_value": 9}, {"max_value": 9}),
    (drf.DecimalField, DecimalField, *({"max_digits": 4, "decimal_places": 2},) * 2),
    (drf.DateField, DateField, {}, {}),
    (drf.TimeField, TimeField, {}, {}),
    (drf.DateTimeField, DateTimeField, {}, {}),
    *((drf.DateTimeField, DateTimeField, zone, zone) for zone in ZONES.values()),
    (drf.DateTimeField, DateTimeField, *({**ZONES["Europe/Berlin"], "format": "%d.%m. %H:%M %z"},) * 2),
    (drf.DurationField, DurationField, {}, {}),
    (drf.ChoiceField, ChoiceField, {"choices": [*CHOICES.items()]}, {"choices": CHOICES}),
    (drf.MultipleChoiceField, MultipleChoiceField, {"choices": [*CHOICES.items()]}, {"choices": CHOICES}),
    (drf.ListField, ListField, {"child": drf.CharField()}, {"child": fields.CharField()}),
    (drf.DictField, DictField, {"child": drf.IntegerField()}, {"child": IntegerField()}),
    (drf.JSONField, JSONField, {}, {}),
    (drf.BigIntegerField, BigIntegerField, {"coerce_to_string": True}, {"coerce_to_string": True}),
    (drf.FilePathField, FilePathField, *({"path": FOLDER, "match": r"^test_f.*\.py$"},) * 2),
    (drf.HStoreField, HStoreField, {}, {}),
    (
        DrfInner,
        NestedField,
        {},
        {"children": INNER, "link": ForeignKey("inner_id", Reflected, "id")},
    ),
    (
        DrfInner,
        NestedField,
        {"many": True, "max_length": 2, "allow_empty": False},
        {"children": INNER, "link": OneToMany(Reflected, "made_id", "id")} | {"max_length": 2, "allow_empty": False},
    ),
    (
        drf.ChoiceField,
        ChoiceField,
        {"choices": [("Letters", [*GROUPS["Letters"].items()]), (1, "One")], "allow_blank": True},
        {"choices": grouped(GROUPS), "allow_blank": True},
    ),
]
ALLOWED = ("1", "2")
LANGUAGES = ("en", "de", "fr", "ru")
ACCEPTED = (
    "application/json; indent=3",
    "application/json; version=1",
    "*/*; version=3",
    "application/json;indent=2;version=2",
)
OTHER_TYPES = ("text/plain", "application/json; charset=latin-1")
VIEWS, REQUESTS, INTERNAL_ERROR = 500, 40, 500
# Each is an expression of the names that both sides' permissions have.
RULES = [
    *("AllowAny", "IsAuthenticated", "IsAdminUser", "IsAuthenticatedOrReadOnly", "~IsAuthenticated"),
    *("IsAuthenticated & ~IsAdminUser", "IsAdminUser | IsAuthenticatedOrReadOnly", "~(IsAdminUser | ~IsAuthenticated)"),
]
BODIES = st.sampled_from(["", "{", "null", "[]", '"a"', "{}", '{"x": NaN}', '{"x": "\\ud800"}', '{"x": 1e999}'])
SCALARS = st.none() | st.booleans() | st.integers(-3, 30) | st.floats(-9, 99) | st.text(max_size=3)
SCALARS |= st.sampled_from(
    [
        "a",
        "1",
        "12.5",
        f"{FOLDER}/test_filters.py",
        "a@b.de",
        "http://a.de/",
        "::1",
        "2026-01-03",
        "10:05",
        "2026-01-03T10:00Z",
        "2026-03-29T02:30:00",
        "2026-10-25 02:30",
        "0001-01-01T00:00",
        "x",
    ]
)
INNERS = st.fixed_dictionaries(
    {}, optional={"a": st.sampled_from([1, "2", 10, None, "x"]), "b": st.sampled_from(["", None, "b"])}
)
JSON_VALUES = (
    SCALARS
    | INNERS
    | st.lists(INNERS, max_size=3)
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2)
)
NAMES = ["x", "y", "z"]
FIELD = st.fixed_dictionaries(
    {
        "kind": st.integers(0, len(KINDS) - 1),
        "required": st.booleans(),
        "allow_null": st.booleans(),
        "read_only": st.booleans() | st.just(value=False),
        "write_only": st.booleans(),
        "default": st.booleans(),
    }
)
MADE = st.fixed_dictionaries(
    {
        "fields": st.dictionaries(st.sampled_from(NAMES), FIELD, min_size=1),
        "authenticates": st.sampled_from([(), ("key",), ("silent", "key"), ("key", "silent")]),
        "rules": st.lists(st.sampled_from(RULES), min_size=1, max_size=2),
        "methods": st.sampled_from([("GET", "POST"), ("POST",), ("GET", "POST", "PATCH")]),
        "versioning": st.sampled_from([None, None, "AcceptHeaderVersioning", "QueryParameterVersioning"]),
        # Seconds after which each throttle lets a request pass.
        "throttles": st.sampled_from([(), (), (), (None,), (None, None), (3,), (0.5, 61), (None, math.inf)]),
    }
)
SENT = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST", "POST", "POST", "PATCH", "GET", "PUT", "DELETE", "OPTIONS", "HEAD"]),
        "key": st.sampled_from([None, "plain", "staff", "staff", "wrong"]),
        "accept": st.sampled_from([None, None, None, "text/html", "application/*", *ACCEPTED]),
        "type": st.sampled_from(["json", "json", "json", FORM, MULTIPART, *OTHER_TYPES]),
        "body": BODIES | st.dictionaries(st.sampled_from(NAMES), JSON_VALUES),
        "language": st.sampled_from([None, None, "de-AT", "fr;q=0.5,en;q=0.4", "ru, de;q=0.1", "xx", "*"]),
        "query": st.sampled_from(["", "", "", "?format=json", "?format=xml", "?version=1", "?version=3"]),
    }
)
USERS = {
    name: SimpleNamespace(is_authenticated=True, is_staff=name == "staff", is_active=True)
    for name in ("plain", "staff")
}


class DrfKey(drf_authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        key = request.headers.get("X-Key")
        if key is None:
            return None
        if key not in USERS:
            raise DrfFailed("No such key.")
        return USERS[key], None

    def authenticate_header(self, request: Any) -> str:  # noqa: ARG002 - DRF's signature
        return "Key"


class DrfSilent(drf_authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> Any:  # noqa: ARG002 - the same
        return None


class Key(BaseAuthentication):
    async def authenticate(self, request: Request, session: Any) -> Any:  # noqa: ARG002 - see BaseAuthentication
        key = request.headers.get("x-key")
        if key is not None and key not in USERS:
            raise AuthenticationFailed("No such key.")
        return USERS.get(key or "")

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - see BaseAuthentication
        return "Key"


class Silent(BaseAuthentication):
    async def authenticate(self, request: Request, session: Any) -> Any:  # noqa: ARG002 - see BaseAuthentication
        return None


class DrfWaits(drf_throttling.BaseThrottle):
    """Refuses a request where it says how long, or that nobody knows."""

    seconds: float | None = None

    def allow_request(self, request: Any, view: Any) -> bool:  # noqa: ARG002 - DRF's signature
        return self.seconds is None

    def wait(self) -> float | None:
        return None if self.seconds == math.inf else self.seconds


class Waits(BaseThrottle):
    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    async def wait(self, request: Request, caller: Any, session: Any) -> float | None:  # noqa: ARG002 - see BaseThrottle
        return self._seconds


def settings_of(made: dict[str, Any]) -> dict[str, Any]:
    """What both stacks' fields are made with; DRF refuses some combinations."""
    common: dict[str, Any] = {"allow_null": made["allow_null"]}
    if made["read_only"]:
        return common | {"read_only": True}
    common |= {"read_only": False, "write_only": made["write_only"]}
    # A default is taken as it is, so it has to be of the field's own type.
    has_default = made["default"] and KINDS[made["kind"]][0] in (drf.CharField, drf.RegexField)
    return common | ({"default": "ab"} if has_default else {"required": made["required"]})


def drf_versions(name: str | None) -> Any:
    facts = {"default_version": None, "allowed_versions": ALLOWED}
    return name and type("Versions", (getattr(drf_versioning, name),), facts)


def drf_view(made: dict[str, Any]) -> Any:
    declared = {}
    for name, field in made["fields"].items():
        kind, _, own, _ = KINDS[field["kind"]]
        # A child belongs to one field.
        declared[name] = kind(**deepcopy(own), **settings_of(field))
    serializer_class_of_view = type("MadeSerializer", (drf.Serializer,), declared)
    authenticators = [{"key": DrfKey, "silent": DrfSilent}[name] for name in made["authenticates"]]

    class Made(GenericAPIView[Any]):
        serializer_class = serializer_class_of_view
        authentication_classes = authenticators
        permission_classes = [eval(rule, vars(drf_permissions)) for rule in made["rules"]]  # noqa: RUF012, S307 - DRF's own word; RULES above
        parser_classes = (JSONParser, FormParser, MultiPartParser)
        renderer_classes = (JSONRenderer,)
        versioning_class = drf_versions(made["versioning"])
        throttle_classes = [type("Waits", (DrfWaits,), {"seconds": each}) for each in made["throttles"]]  # noqa: RUF012 - DRF's own word

        def answer(self, request: Any) -> DrfResponse:
            serializer = self.get_serializer(data=request.data, partial=request.method == "PATCH")
            serializer.is_valid(raise_exception=True)
            shown = {}
            for name, value in serializer.validated_data.items():
                field = serializer.fields[name]
                if not field.write_only:
                    shown[name] = None if value is None else field.to_representation(value)
            return DrfResponse(shown)

    for method in made["methods"]:
        setattr(Made, method.lower(), Made.answer if method != "GET" else lambda _self, _request: DrfResponse({}))
    return Made.as_view()


def library_app(made: dict[str, Any], languages: Languages | None = None, **options: Any) -> Any:
    declared = {}
    for name, field in made["fields"].items():
        _, kind, _, own = KINDS[field["kind"]]
        given = settings_of(field)
        # To DRF a path that is required is one that is chosen, too.
        own = own | ({"allow_none": False} if kind is FilePathField and given.get("required") else {})
        declared[name] = kind(**own, **given)
    serializer = Serializer("Made", declared)
    router = feature_router(PREFIXES, "made")
    view = View(
        router,
        "/made/",
        name="Made",
        methods=made["methods"],
        permission=tuple(eval(rule, vars(permissions)) for rule in made["rules"]),  # noqa: S307 - of RULES above
        authenticators=tuple({"key": Key, "silent": Silent}[name]() for name in made["authenticates"]),
        serializer=serializer,
        throttles=tuple(map(Waits, made["throttles"])),
        versioning=made["versioning"] and getattr(versioning, made["versioning"])(allowed=ALLOWED),
    )

    async def answer(request: Request, session: Session) -> Response:
        """What was sent."""
        values = await serializer.read(request, session)
        shown = {name: value for name, value in values.items() if not declared[name].write_only}
        return JsonResponse({name: written(declared[name], value) for name, value in shown.items()})

    async def nothing() -> Response:
        """Nothing."""
        return JsonResponse({})

    for method in made["methods"]:
        add = getattr(view, method.lower())
        add(response=dict)(nothing) if method == "GET" else add()(answer)
    given: dict[str, Any] = {"prefixes": PREFIXES, "database": lambda: None, "languages": languages, **options}
    app = create_application((router,), service="made", **given)
    # Nothing here asks the database.
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    return app


def written(field: Any, value: Any) -> Any:
    if isinstance(field, NestedField) and value is not None:
        rows = value if field.many else [value]
        shown = [{name: written(INNER.fields[name], each) for name, each in row.items()} for row in rows]
        return shown if field.many else shown[0]
    write = field.representation() or ("{:f}".format if isinstance(field, DecimalField) else None)
    return value if value is None or write is None or isinstance(value, str) else write(value)


def request_of(sent: dict[str, Any]) -> tuple[str, bytes, dict[str, str]]:
    """The content type, the body and the headers."""
    body, kind = sent["body"], sent["type"]
    if kind in (FORM, MULTIPART):
        content = form_of(body if isinstance(body, dict) else {}, kind)
    else:
        text = json.dumps(body) if isinstance(body, dict) else body
        content = ("application/json" if kind == "json" else kind, text.encode())
    headers = {"X-Key": sent["key"], "Accept": sent["accept"], "Accept-Language": sent["language"]}
    return *content, {name: value for name, value in headers.items() if value is not None}


def form_of(values: Mapping[str, Any], kind: str) -> tuple[str, bytes]:
    pairs = [
        (name, str(each)) for name, value in values.items() for each in (value if isinstance(value, list) else [value])
    ]
    return kind, form_body(pairs, kind)


Answer = tuple[int, bytes, dict[str, str | None]]


def of_drf(view: Any, sent: dict[str, Any]) -> Answer:
    content_type, body, headers = request_of(sent)
    url = f"/made/{sent['query']}"
    request = APIRequestFactory().generic(sent["method"], url, body, content_type=content_type, headers=headers)
    with translation.override(translation.get_language_from_request(request)):
        response = view(request)
        response.render()
    return response.status_code, *compared(sent, response.content, response.headers)


async def of_library(app: Any, sent: dict[str, Any]) -> Answer:
    content_type, body, headers = request_of(sent)
    given = {"Content-Type": content_type, **headers}
    status, content, answered = await answer_to(app, sent["method"], f"/made/{sent['query']}", given, body)
    return status, *compared(sent, content, answered)


def compared(sent: dict[str, Any], content: bytes, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str | None]]:
    kept = {name: headers.get(name) for name in ("Allow", "Content-Type", "WWW-Authenticate", "Retry-After")}
    return b"" if sent["method"] == "HEAD" else content, kept


@pytest.mark.parametrize("body", ["[]", {"x": [1]}, {"x": {"a": 1}}, {"x": []}])
def test_what_is_wrong_with_a_whole_body_has_the_projects_key(body: Any) -> None:
    many = next(number for number, (_, _, own, _) in enumerate(KINDS) if own.get("many"))
    field = {"kind": many, "required": True, "allow_null": False, "read_only": False, "write_only": False}
    made = {"fields": {"x": field | {"default": False}}, "authenticates": (), "rules": ["AllowAny"]}
    made |= {"methods": ("POST",), "versioning": None, "throttles": ()}
    sent = {"method": "POST", "key": None, "accept": None, "type": "json", "body": body, "language": None, "query": ""}
    app = library_app(made, non_field_errors_key="errors")
    with override_settings(REST_FRAMEWORK={"NON_FIELD_ERRORS_KEY": "errors"}):
        theirs = of_drf(drf_view(made), sent)
    ours = asyncio.run(of_library(app, sent))
    assert ours == theirs
    assert b'"errors":[' in ours[1]


@pytest.mark.long
def test_generated_views_answer_generated_requests_as_drfs(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """500 views, each with 40 requests."""
    caplog.set_level(logging.WARNING, "made.request")
    asked: Counter[int] = Counter()
    file = tmp_path / "languages.json"
    with asyncio.Runner() as runner, project_in_languages(LANGUAGES, default="en") as exported:
        file.write_text(exported, encoding="utf-8")
        languages = Languages.read(file)

        @given(made=MADE, sent=st.lists(SENT, min_size=REQUESTS, max_size=REQUESTS))
        @settings(
            max_examples=VIEWS,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # To make a view of so many requests smaller takes longer than to read it.
            phases=(Phase.generate,),
        )
        def ask(made: dict[str, Any], sent: list[dict[str, Any]]) -> None:
            view, app = drf_view(made), library_app(made, languages)
            for request in sent:
                ours = runner.run(of_library(app, request))
                try:
                    theirs = of_drf(view, request)
                except Exception:  # noqa: BLE001 - a 500 of DRF's, which the library must not have
                    assert ours[0] < INTERNAL_ERROR
                    continue
                assert ours == theirs, f"{ours}\n{theirs}\n{made['fields']}\n{request}"
                asked[ours[0]] += 1

        ask()
    assert asked.total() > VIEWS * REQUESTS * 0.9
    assert {*asked} == {200, 400, 401, 403, 404, 405, 406, 415, 429}
