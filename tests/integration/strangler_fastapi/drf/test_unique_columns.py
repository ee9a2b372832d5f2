"""Columns whose values no two rows may have, by whichever way the model says so, and keys that a body gives."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Q
from django.test import Client
from django.test.utils import isolate_apps
from rest_framework import serializers, viewsets
from sqlalchemy.orm import Mapped

from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.drf.fields.model_fields import model_fields
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.databases import empty_database
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, add_endpoints, djangos_database, side_by_side

FIELDS = ("key", "word", "code", "phone", "made_at")

with isolate_apps("django_app.blog"):

    class Stamp(models.Model):
        key = models.UUIDField(primary_key=True, default=uuid.uuid4)
        word = models.CharField(max_length=5, unique=True)
        code = models.CharField(max_length=5, null=True)  # noqa: DJ001 - a project may
        phone = models.CharField(max_length=5, blank=True)
        made_at = models.DateTimeField(auto_now_add=True)

        class Meta:
            app_label = "blog"
            db_table = "stamps"
            constraints = (
                models.UniqueConstraint(fields=["code"], name="stamps_code"),
                models.UniqueConstraint(fields=["phone"], condition=~Q(phone=""), name="stamps_phone"),
            )


class StampSerializer(serializers.ModelSerializer[Stamp]):
    class Meta:
        model = Stamp
        fields = FIELDS


class Stamps(viewsets.ModelViewSet[Stamp]):
    queryset = Stamp.objects.order_by("word")
    serializer_class = StampSerializer
    authentication_classes = ()
    permission_classes = ()
    filter_backends = ()
    pagination_class = None


def library(contract: Path) -> tuple[Any, Mapping]:
    mapping = Mapping(contract=contract)

    class StampRow(Reflected):
        __mapping__ = mapping
        __tablename__ = "stamps"
        key: Mapped[uuid.UUID]
        word: Mapped[str]
        code: Mapped[str | None]
        phone: Mapped[str]
        made_at: Mapped[Any]

    serializer = Serializer("Stamp", model_fields(StampRow, *FIELDS))
    stamps = Resource(StampRow, serializer, pagination=None)
    router = feature_router(PREFIXES, "stamps")
    given: dict[str, Any] = {"permission": AllowAny, "authenticators": (), "serializer": serializer}
    many = View(router, "/stamps/", name="Stamps", methods=("GET", "POST"), **given)
    one = View(router, "/stamps/{pk}/", name="Stamps", methods=("GET", "PUT", "PATCH"), find=stamps.find, **given)
    add_endpoints(many, one, stamps)
    return router, mapping


@pytest.fixture(scope="module")
def sides(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BothSides]:
    contract = tmp_path_factory.mktemp("stamps") / "contract.json"
    contract.write_text(json.dumps({"format": 2, "tables": {"stamps": table_facts(Stamp, Sql())}, "tokens": {}}))
    router, mapping = library(contract)
    several, one = {"get": "list", "post": "create"}, {"get": "retrieve", "put": "update", "patch": "partial_update"}
    views = {
        ("stamps/", ""): Stamps.as_view(several, name="Stamps"),
        ("stamps/<pk>/", ""): Stamps.as_view(one, name="Stamps"),
    }
    with (
        empty_database(admin_dsn=stack.admin_dsn, name=f"stamps_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            editor.create_model(Stamp)
        with side_by_side(database, views=views, routers=(router,), tables=mapping) as both:
            yield both


FIRST, SECOND, THIRD = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
BODY = {"key": THIRD, "word": "c", "code": "c", "phone": "3"}


def ask_both(sides: BothSides, method: str, body: Any) -> tuple[int, Any, list[Any]]:
    """Both stacks' answer to the same on the same rows, and the rows that are left."""
    seen = []
    content = json.dumps(body).encode()
    url = "/stamps/" if method in ("POST", "OPTIONS") else f"/stamps/{SECOND}/"
    for stack in ("fastapi", "django"):
        Stamp.objects.all().delete()
        Stamp.objects.create(key=FIRST, word="a", code="a", phone="1")
        Stamp.objects.create(key=SECOND, word="b", code="b", phone="")
        if stack == "fastapi":
            given = {"Content-Type": "application/json"}
            answer: Any = sides.runner.run(sides.library.request(method, url, content=content, headers=given))
        else:
            answer = Client().generic(method, url, content, content_type="application/json")
        text = json.loads(answer.content)
        text.pop("made_at", None)
        rows = [tuple(map(str, row)) for row in Stamp.objects.order_by("word", "key").values_list(*FIELDS[:-1])]
        seen.append((answer.status_code, text, rows))
    assert seen[0] == seen[1], f"{method} {body}"
    return seen[0]


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({}, []),
        ({"key": FIRST}, ["key"]),
        ({"word": "a"}, ["word"]),
        ({"code": "a"}, ["code"]),
        ({"code": None}, []),
        ({"phone": "1"}, ["phone"]),
        # As many rows as one likes have none.
        ({"phone": ""}, []),
        ({"key": FIRST, "word": "a", "code": "a", "phone": "1"}, ["key", "word", "code", "phone"]),
    ],
)
def test_a_value_that_another_row_has_is_refused(sides: BothSides, changed: dict[str, Any], refused: list[str]) -> None:
    assert ask_both(sides, "POST", BODY | changed)[0] == (400 if refused else 201)
    status, shown, _ = ask_both(sides, "PATCH", changed)
    assert (status, [*shown] if status == 400 else []) == (400 if refused else 200, refused)
    ask_both(sides, "PUT", BODY | {"key": SECOND} | changed)


def test_another_key_which_makes_another_row_in_django_is_a_gap(sides: BothSides) -> None:
    ask_both(sides, "OPTIONS", None)
    assert ask_both(sides, "PATCH", {"key": SECOND})[0] == 200
    given = {"Content-Type": "application/json"}
    answer = sides.runner.run(
        sides.library.request("PUT", f"/stamps/{SECOND}/", content=json.dumps(BODY).encode(), headers=given)
    )
    assert (answer.status_code, "makes another one" in answer.text) == (501, True)
    assert list(Stamp.objects.order_by("word").values_list("word", flat=True)) == ["a", "b"]
