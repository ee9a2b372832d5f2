"""What the scaffold writes of a view, and each thing that it can't, which is a gap with a name."""

import os
from pathlib import Path
from typing import Any

import pytest

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.feature import Feature
from strangler.adoption.scaffold.models_module import models_added, models_text
from strangler.adoption.scaffold.service import Service
from strangler.adoption.scaffold.tables import Tables
from strangler.errors import UsageError
from strangler.project import Project, project_parse
from strangler.routes.route import Route, Stage

ID = {"field": "id", "kind": "BigAutoField", "type": "bigint", "null": False, "primary_key": True}
ID |= {"identity": "by default"}
TABLES = {
    "boat": {
        "name": "boat",
        "model": "harbour.Boat",
        "verbose_name": "boat",
        "columns": {
            "id": ID,
            "name": {"field": "name", "kind": "CharField", "type": "character varying(40)", "null": False},
            "built_at": {
                "field": "built_at",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": True,
            },
            "photo": {"field": "photo", "kind": "FileField", "type": "character varying(100)", "null": False},
            "berth_id": {
                "field": "berth",
                "kind": "ForeignKey",
                "type": "bigint",
                "null": True,
                "references": {"table": "berth", "column": "id", "on_delete": "SET_NULL"},
            },
        },
    },
    "berth": {
        "name": "berth",
        "model": "harbour.Berth",
        "columns": {"id": ID, "place": {"field": "place", "kind": "TextField", "type": "text", "null": False}},
        "receivers": ["post_save harbour.signals.count"],
    },
}
CONTRACT = Contract.model_validate({"format": 2, "tables": TABLES})
PERMISSIONS = "rest_framework.permissions"
NAME = {"name": "name", "kind": "CharField", "source": "name", "required": True, "changed": {}}
SERIALIZER = {"class": "harbour.api.BoatSerializer", "model": "harbour.Boat", "table": "boat", "fields": [NAME]}
LIST: dict[str, Any] = {
    "path": "/api/boats/",
    "method": "GET",
    "kind": "viewset",
    "view": "harbour.api.Boats",
    "action": "list",
    "permissions": [f"{PERMISSIONS}.AllowAny"],
    "lookup": {"field": "pk", "parameter": "pk"},
    "model": {"label": "harbour.Boat", "table": "boat"},
    "queryset": {"narrowed": [], "ordering": ["name"]},
    "serializer": SERIALIZER,
    "title": "Boat List",
}
CREATE = LIST | {"method": "POST", "action": "create"}


def feature(*endpoints: dict[str, Any]) -> Feature:
    return service(*endpoints).features[0]


def service(*endpoints: dict[str, Any], folder: Path = Path("/nowhere")) -> Service:
    api = DjangoApi.model_validate({"format": 1, "endpoints": endpoints})
    selected = [
        (each, Route(name=f"boats.{each.action}", methods=(each.method,), path="/boats/", stage=Stage.LEGACY))
        for each in api.endpoints
    ]
    return Service(project(folder), "harbour_fastapi", selected, api=api, contract=CONTRACT)


def project(folder: Path) -> Project:
    text = """
        name = "harbour"
        api = { v1 = "/api", v2 = "/api/v2" }
        files = { routes = "routes.toml", contract = "contract.json", consumer = "consumer.json", cases = "cases" }
        django = { address = "http://127.0.0.1:8000", health = "/up", prefix = "/api" }
        fastapi = { address = "http://127.0.0.1:9000", health = "/api/v2/ready", prefix = "/api/v2" }
        database = { fastapi_role = "harbour" }
        compare = { callers = ["ann", "bob"] }
    """
    return project_parse(text, file=folder / "strangler.toml")


def text_of(made: Feature, name: str) -> str:
    return dict(made.modules())[name]


def test_a_plain_list_is_written_whole() -> None:
    made = feature(LIST, CREATE)
    assert [each.gaps for each in made.endpoints] == [[], []]
    serializers, router = text_of(made, "serializers.py"), text_of(made, "router.py")
    assert 'BOAT_SERIALIZER = Serializer("Boat", model_fields(Boat, "name"))' in serializers
    assert 'actions=("list", "create")' in serializers
    assert "permission=AllowAny," in router
    assert "@boats.get(many=list, query=BOATS.query)\nasync def boats_list(" in router
    assert "@boats.post(status=201)\nasync def boats_create(" in router


def field(**facts: Any) -> dict[str, Any]:
    other = {"name": "other", "kind": "CharField", "source": "other", "read_only": True, "changed": {}} | facts
    return {"serializer": SERIALIZER | {"fields": [NAME, other]}}


@pytest.mark.parametrize(
    ("facts", "gap"),
    [
        (field(method="get_other"), "field other: computed by get_other"),
        (field(source="photo"), "field other: a FileField"),
        (field(source="nothing"), "field other: harbour.Boat has no column nothing"),
        (field(source="berth", kind="SlugRelatedField"), "field other: a SlugRelatedField"),
        (field(kind="MoneyField", changed=None), "field other: a MoneyField of your own"),
        (field(source="built_at", format="%d.%m.%Y"), "field other: shown as %d.%m.%Y"),
        (
            {"serializer": SERIALIZER | {"overridden": ["to_representation"]}},
            "serializer Boat: to_representation is your own",
        ),
        ({"overridden": ["list"]}, "Boats.list is your own"),
        ({"overridden": ["get_queryset"]}, "Boats.get_queryset is your own"),
        ({"action": "tide"}, "handler Boats.tide is your own"),
        ({"queryset": {"narrowed": ["a filter"]}}, "the queryset has a filter"),
        ({"permissions": ["harbour.api.OfTheCrew"]}, "permission OfTheCrew is your own"),
        ({"permissions": None}, "its permissions can't be read without a request"),
        ({"overridden": ["get_permissions"]}, "Boats.get_permissions reads the request"),
        ({"authenticators": ["harbour.api.ByFlag"]}, "authenticator harbour.api.ByFlag"),
        ({"throttles": ["harbour.api.Slow"]}, "throttle harbour.api.Slow"),
        ({"pagination": {"kind": "custom"}}, "pagination: custom"),
        ({"renderers": ["harbour.api.Xml"]}, "renderer harbour.api.Xml"),
        (
            {"unread": [{"what": "serializer", "reason": "KeyError: 'x'"}]},
            "serializer can't be read without a request (KeyError: 'x')",
        ),
    ],
)
def test_what_cannot_be_read_answers_501_by_name(facts: dict[str, Any], gap: str) -> None:
    made = feature(LIST | facts)
    assert gap in made.endpoints[0].gaps
    router = text_of(made, "router.py")
    assert "async def" not in router
    assert "boats.gap(" in router
    # Permissions that weren't read let nobody pass.
    assert ("permission=not_ported(" in router) == ("ermission" in gap)


def test_a_hook_that_reads_nothing_of_a_request_is_no_gap() -> None:
    assert feature(LIST | {"overridden": ["get_queryset"], "constant": ["get_queryset"]}).endpoints[0].gaps == []


def test_a_gap_of_what_is_written_leaves_reading_alone() -> None:
    own = SERIALIZER | {"overridden": ["validate_name"]}
    made = feature(LIST | {"serializer": own}, CREATE | {"serializer": own})
    assert [each.gaps for each in made.endpoints] == [[], ["serializer Boat: validate_name is your own"]]
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}}
    (gap,) = feature(CREATE | berths).endpoints[0].gaps[:1]
    assert gap == "signal post_save harbour.signals.count"


def test_a_filter_that_is_lacking_is_a_gap_of_its_parameter() -> None:
    parameters = [
        {"name": "name", "kind": "CharFilter", "field": "name"},
        {"name": "near", "kind": "NumberFilter", "field": "berth", "method": "by_distance"},
    ]
    filters = {"backends": ["django_filters.rest_framework.backends.DjangoFilterBackend"]}
    filters |= {"search": {"parameter": "search", "fields": ["^tide"]}, "filterset": {"parameters": parameters}}
    made = feature(LIST | {"filters": filters})
    assert (made.endpoints[0].gaps, len(made.endpoints[0].limits)) == ([], 2)
    serializers = text_of(made, "serializers.py")
    assert '"name": column_filter(lambda: Boat.name, TEXT),' in serializers
    assert '"near": not_ported_filter("filter near: by_distance"),' in serializers
    assert '"search": not_ported_filter("?search=: harbour.Boat has no column tide"),' in serializers


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ({"kind": "CharFilter", "field": "name", "lookup": "icontains"}, 'lambda: Boat.name, TEXT, "icontains"'),
        ({"kind": "ConcreteInFilter", "field": "id", "lookup": "in"}, 'lambda: Boat.id, NUMBER, "in"'),
        ({"kind": "BooleanFilter", "field": "berth", "lookup": "isnull"}, 'lambda: Boat.berth_id, TEXT, "isnull"'),
        ({"kind": "ChoiceFilter", "field": "name", "choices": ["a", "b"]}, 'lambda: Boat.name, choice(("a", "b"))'),
        ({"kind": "ModelChoiceFilter", "field": "berth"}, "related_filter(lambda: Boat.berth_id, Berth)"),
        (
            {"kind": "CharFilter", "field": "berth__place", "exclude": True},
            'lambda: related_column(Boat, "berth__place"), TEXT, exclude=True',
        ),
    ],
)
def test_filters_are_those_of_django_filter(parameter: dict[str, Any], code: str) -> None:
    filters = {"filterset": {"parameters": [{"name": "x", **parameter}]}}
    made = feature(LIST | {"filters": filters})
    assert (made.endpoints[0].gaps, made.endpoints[0].limits) == ([], [])
    assert code in text_of(made, "serializers.py")


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        ({"kind": "page", "page_size": 7, "page_query_param": "p"}, 'page_size=7, page_query_param="p", '),
        ({"kind": "limit_offset", "default_limit": 7, "max_limit": 9}, "LimitOffsetPagination(default_limit=7, "),
        ({"kind": "cursor", "page_size": 7, "ordering": "-id"}, 'ordering=("-id",)'),
    ],
)
def test_pages_are_those_of_drf(pages: dict[str, Any], code: str) -> None:
    made = feature(LIST | {"pagination": pages})
    assert made.endpoints[0].gaps == []
    assert code in " ".join(text_of(made, "serializers.py").split())
    assert "@boats.get(many=Page, " in text_of(made, "router.py")


def test_models_grow_by_what_is_lacking_and_by_nothing_else() -> None:
    tables = Tables(CONTRACT)
    tables.use("boat", "name")
    before = models_text(tables, package="harbour", base="Table", contract="FILE", title="harbour")
    assert models_added(before, tables, package="harbour") == before
    tables.use("boat", "built_at")
    tables.use("berth", "place")
    after = models_added(before, tables, package="harbour")
    assert "    name: Mapped[str]\n    built_at: Mapped[datetime | None]\n" in after
    assert 'class Berth(Table):\n    """Django\'s harbour.Berth: berth."""\n' in after
    assert after.startswith(
        '"""The tables of harbour, as far as FastAPI needs them."""\n\nfrom datetime import datetime\n'
    )
    compile(after, "models.py", "exec")
    assert models_added(after, tables, package="harbour") == after


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    made = service(LIST, folder=tmp_path)
    for file in made.files():
        assert file.is_new
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_text(file.text)
    assert [file.path.name for file in made.files() if file.is_written or file.is_left] == []
    made = service(LIST, folder=tmp_path)
    config = tmp_path / "harbour_fastapi" / "config.py"
    config.write_text("ours = 1\n")
    assert [file.path for file in made.files() if file.is_left] == [config]
    assert [file.path for file in made.files() if file.is_written] == []
    (tmp_path / "harbour_fastapi" / "models.py").write_text("class Boat(\n")
    with pytest.raises(UsageError, match=r"models\.py is no Python \(line 1\): correct it first"):
        list(made.files())


def test_an_application_of_the_teams_own_stays_so(tmp_path: Path) -> None:
    (tmp_path / "harbour_fastapi").mkdir()
    (tmp_path / "harbour_fastapi" / "main.py").write_text("app = 1\n")
    made = service(LIST, folder=tmp_path)
    names = {
        os.path.relpath(file.path, tmp_path / "harbour_fastapi") for file in made.files() if ".py" in file.path.name
    }
    assert made.is_by_hand
    assert {"boats/router.py", "models.py"} <= names
    assert not names & {"main.py", "config.py", "routers.py"}


def test_the_cases_ask_as_nobody_another_and_an_owner(tmp_path: Path) -> None:
    (cases,) = [file.text for file in service(LIST, folder=tmp_path).files() if file.path.suffix == ".toml"]
    assert 'as = ["nobody", "bob", "ann"]\nget = "/boats/"\n' in cases
