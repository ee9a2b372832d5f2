"""What the scaffold writes of a view, and each thing that it can't, which is a gap with a name."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import BROWSABLE_API, DjangoApi, DjangoEndpoint
from strangler.adoption.scaffold.case_file import case_file_text
from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.feature_modules import FeatureModules
from strangler.adoption.scaffold.gaps import handler_gaps
from strangler.adoption.scaffold.models_module import classes_there, models_added, models_text
from strangler.adoption.scaffold.service import ServiceScaffold
from strangler.adoption.scaffold.tables import Tables
from strangler.errors import UsageError
from strangler.project import Project, project_parse
from strangler.routes.route import Route, Stage

ID = {"field": "id", "kind": "BigAutoField", "type": "bigint", "null": False, "primary_key": True}
ID |= {"identity": "by default"}
FOLDER = "django.core.files.storage.filesystem.FileSystemStorage"
FILE: dict[str, Any] = {"kind": "FileField", "type": "character varying(100)", "null": False, "default": ""}
TABLES = {
    "boat": {
        "name": "boat",
        "model": "harbour.Boat",
        "verbose_name": "boat",
        "columns": {
            "id": ID,
            "name": FILE | {"field": "name", "kind": "CharField"},
            "built_at": {
                "field": "built_at",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": True,
            },
            "photo": FILE | {"field": "photo"},
            "scan": FILE | {"field": "scan", "file": {"storage": {"name": FOLDER, "location": "media"}}},
            "deed": FILE
            | {"field": "deed", "file": {"storage": {"name": FOLDER}, "upload_to_callable": "harbour.models.place"}},
            "map": FILE | {"field": "map", "file": {"storage": {"name": "storages.S3Storage"}}},
            "berth_id": {
                "field": "berth",
                "kind": "ForeignKey",
                "type": "bigint",
                "null": True,
                "references": {"table": "berth", "column": "id", "on_delete": "SET_NULL"},
            },
        },
    },
    "raft": {
        "name": "raft",
        "model": "harbour.Raft",
        "columns": {
            "id": ID,
            "name": FILE | {"field": "name", "kind": "CharField"},
            "logs": {"field": "logs", "kind": "IntegerField", "type": "integer", "null": False},
        },
    },
    "crate": {
        "name": "crate",
        "model": "harbour.Crate",
        "columns": {"id": ID}
        | {name: FILE | {"field": name, "kind": "CharField"} for name in ("key", "Unit Price", "class")},
    },
    "strangler_throttle_histories": {
        "name": "strangler_throttle_histories",
        "model": "strangler_throttling.ThrottleHistory",
        "columns": {
            "cache_key": {"field": "cache_key", "kind": "CharField", "type": "character varying(200)", "null": False}
            | {"primary_key": True},
            "history": {
                "field": "history",
                "kind": "ArrayField",
                "type": "timestamp with time zone[]",
                "null": False,
            },
            "expires": {
                "field": "expires",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": False,
            },
        },
    },
    "berth": {
        "name": "berth",
        "model": "harbour.Berth",
        "columns": {"id": ID, "place": {"field": "place", "kind": "TextField", "type": "text", "null": False}},
        "overrides": ["save"],
        "receivers": ["post_save harbour.signals.count", "pre_delete harbour.signals.count"],
    },
    "boat_at_berth": {
        "name": "boat_at_berth",
        "model": "harbour.BoatAtBerth",
        "columns": {
            "id": ID,
            "berth_id": {"field": "berth", "kind": "ForeignKey", "type": "bigint", "null": False}
            | {"references": {"table": "berth", "column": "id", "on_delete": "CASCADE"}},
        },
        "receivers": ["post_delete harbour.signals.left"],
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


def feature(*endpoints: dict[str, Any]) -> FeatureScaffold:
    return service(*endpoints).features[0]


def service(*endpoints: dict[str, Any], folder: Path = Path("/nowhere")) -> ServiceScaffold:
    api = DjangoApi.model_validate({"format": 1, "endpoints": endpoints})
    selected = [
        (each, Route(name=f"boats.{each.action}", methods=(each.method,), path="/boats/", stage=Stage.LEGACY))
        for each in api.endpoints
    ]
    return ServiceScaffold(project(folder), "harbour_fastapi", selected, api=api, contract=CONTRACT)


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


def text_of(made: FeatureScaffold, name: str) -> str:
    return dict(FeatureModules(made).modules())[name]


def test_a_plain_list_is_written_whole() -> None:
    made = feature(LIST, CREATE)
    assert [each.gaps for each in made.endpoints] == [[], []]
    serializers, router = text_of(made, "serializers.py"), text_of(made, "router.py")
    assert 'BOAT_SERIALIZER = Serializer("Boat", model_fields(Boat, "name"))' in serializers
    assert 'actions=("list", "create")' in serializers
    assert "permission=AllowAny," in router
    assert "@boats.get(many=list, query=BOATS.query)\nasync def boats_list(" in router
    assert "@boats.post(status=201)\nasync def boats_create(" in router


def test_the_application_allows_the_origins_that_django_does() -> None:
    cors = {"allowed_origins": ["https://shop.example"], "allow_credentials": True, "expose_headers": []}
    made = 'cors=Cors(allow_credentials=True, allowed_origins=("https://shop.example",)),'
    for regex, expected in (("^.*$", True), (r"^/api/.*$", True), (r"^/other/.*$", False)):
        main = texts_of(LIST, cors=cors | {"urls_regex": regex})[1]["main.py"]
        assert (made in main) is expected
        assert ("import Cors" in main) is expected
    assert "Cors" not in texts_of(LIST)[1]["main.py"]


def test_times_are_shown_as_the_project_shows_them() -> None:
    built = {"name": "built_at", "kind": "DateTimeField", "source": "built_at", "changed": {}}
    listed = LIST | {
        "serializer": SERIALIZER | {"fields": [built | {"format": "iso-8601", "input_formats": ["%d.%m."]}]}
    }
    listed |= {
        "view": "harbour.api.Times",
        "filters": {"filterset": {"parameters": [{"name": "since", "kind": "IsoDateTimeFilter"}]}},
    }
    listed["filters"]["filterset"]["parameters"][0] |= {"field": "built_at", "lookup": "gte"}
    gaps, files = texts_of(listed, time_zone="Europe/Moscow")
    assert gaps == [[]]
    code = " ".join(files["boats/serializers.py"].split())
    shown = 'default_timezone=ZoneInfo("Europe/Moscow"), input_formats=("%d.%m.",)'
    assert f'"built_at": model_field(Boat, "built_at", {shown})' in code
    assert "from zoneinfo import ZoneInfo" in code
    # A time without an offset is of another zone than the library's filters read it in.
    assert 'not_ported_filter("filter since: times of Europe/Moscow")' in code
    naive, files = texts_of(listed, use_tz=False)
    assert naive == [[]]
    code = files["boats/serializers.py"]
    assert "default_timezone=None" in code
    assert "filter since: times of no zone" in code


def test_a_row_that_django_can_not_add_is_a_gap() -> None:
    raft = {"model": {"label": "harbour.Raft", "table": "raft"}}
    logs = {"name": "logs", "kind": "IntegerField", "source": "logs", "required": True, "changed": {}}
    serializer = SERIALIZER | {"model": "harbour.Raft", "table": "raft"}
    made = feature(LIST | raft | {"serializer": serializer}, CREATE | raft | {"serializer": serializer})
    assert [each.gaps for each in made.endpoints] == [[], ["column logs gets no value, so Django fails with 500"]]
    made = feature(CREATE | raft | {"serializer": serializer | {"fields": [NAME, logs]}})
    assert made.endpoints[0].gaps == []


def test_files_are_taken_where_the_contract_says_how_they_are_named() -> None:
    given = {"name": "scan", "kind": "FileField", "source": "scan", "changed": {"use_url": False}}
    deed = {"name": "deed", "kind": "FileField", "source": "deed", "changed": {}}
    parsers = {"parsers": ["rest_framework.parsers.MultiPartParser", "rest_framework.parsers.FileUploadParser"]}
    serializer = {"serializer": SERIALIZER | {"fields": [NAME, given]}}
    made = feature(LIST | serializer | parsers, CREATE | serializer | parsers)
    assert [each.gaps for each in made.endpoints] == [[], []]
    assert 'model_field(Boat, "scan", use_url=False)' in text_of(made, "serializers.py")
    assert "parsers=(MultiPartParser, FileUploadParser)," in text_of(made, "router.py")
    named = feature(
        LIST | {"serializer": SERIALIZER | {"fields": [deed]}}, CREATE | {"serializer": SERIALIZER | {"fields": [deed]}}
    )
    assert [each.gaps for each in named.endpoints] == [[], ["field deed: its files are named by harbour.models.place"]]
    camels = feature(CREATE | {"parsers": ["djangorestframework_camel_case.parser.CamelCaseJSONParser"]})
    assert camels.endpoints[0].gaps == ["parser djangorestframework_camel_case.parser.CamelCaseJSONParser"]


VERSIONS: dict[str, Any] = {"default": "v1", "allowed": ["v2"]}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"kind": "accept"}, 'AcceptHeaderVersioning(default="v1", allowed=("v2",)),'),
        ({"kind": "url", "parameter": "v", "default": None}, 'URLPathVersioning(allowed=("v2",), parameter="v"),'),
        ({"kind": "namespace", "namespace": "a:v1"}, 'NamespaceVersioning("a:v1", default="v1", allowed=("v2",)),'),
        ({"kind": "host", "allowed": [], "pattern": "^(v.)"}, 'HostNameVersioning(default="v1", pattern="^(v.)"),'),
        ({"kind": "query", "default": None, "allowed": []}, "QueryParameterVersioning(),"),
    ],
)
def test_versions_are_looked_for_as_in_django(facts: dict[str, Any], code: str) -> None:
    made = feature(LIST | {"versioning": "rest_framework.versioning.X", "versions": VERSIONS | facts})
    assert made.endpoints[0].gaps == []
    assert f"    versioning={code}" in text_of(made, "router.py")


def test_throttles_are_constants_that_views_share() -> None:
    scoped = THROTTLE | {"kind": "scoped", "scope": "uploads", "rate": "9/hour"}
    rates = {
        "throttle_rates": [THROTTLE, scoped, THROTTLE | {"scope": "user", "cache_format": "x_%(scope)s_%(ident)s"}]
    }
    faster = LIST | {"path": "/api/more/", "throttle_rates": [THROTTLE | {"rate": "7/s"}]}
    made = service(LIST | rates, CREATE | rates, faster)
    files = {file.path.name: file.text for file in made.files() if file.path.parent.name != "boats"}
    assert [each.gaps for feature in made.features for each in feature.endpoints] == [[], [], []]
    assert files["throttles.py"].splitlines()[-5:] == [
        "HISTORIES = Histories(ThrottleHistory)",
        'BURST_THROTTLE = UserRateThrottle(HISTORIES, "5/min", scope="burst")',
        'UPLOADS_THROTTLE = ScopedRateThrottle(HISTORIES, "9/hour", scope="uploads")',
        'USER_THROTTLE = UserRateThrottle(HISTORIES, "5/min", cache_format="x_%(scope)s_%(ident)s")',
        'BURST_THROTTLE_2 = UserRateThrottle(HISTORIES, "7/s", scope="burst")',
    ]
    assert "history: Mapped[list[datetime]]" in files["models.py"]
    router, statements = text_of(made.features[0], "router.py"), text_of(made.features[0], "statements.py")
    assert "throttles=(BURST_THROTTLE, UPLOADS_THROTTLE, USER_THROTTLE)," in router
    assert "    yield from HISTORIES.statements()" in statements
    apart = feature(LIST | rates, CREATE)
    assert [each.gaps for each in apart.endpoints] == [[], ["throttles that GET of the same path hasn't"]]


# Where fields of DRF's own are.
DRF = {"class": "rest_framework.relations.X"}


THROTTLE: dict[str, Any] = {
    "class": "harbour.api.Burst",
    "kind": "user",
    "scope": "burst",
    "rate": "5/min",
    "cache_format": "throttle_%(scope)s_%(ident)s",
    "shared": True,
}


def field(**facts: Any) -> dict[str, Any]:
    other = {"name": "other", "kind": "CharField", "source": "other", "read_only": True, "changed": {}} | facts
    return {"serializer": SERIALIZER | {"fields": [NAME, other]}}


@pytest.mark.parametrize(
    ("facts", "gap"),
    [
        (field(source="photo"), "field other: a FileField of which the contract has no storage"),
        (field(source="map"), "field other: a file that storages.S3Storage keeps"),
        (field(source="nothing"), "field other: harbour.Boat has no column nothing"),
        (
            field(
                source="berth",
                kind="SlugRelatedField",
                slug_field="place",
                link="many_to_one",
                changed=None,
                read_only=False,
                **DRF,
            ),
            "field other: found by harbour.Berth.place, which isn't unique",
        ),
        (
            field(source="berth", kind="StringRelatedField", link="many_to_one", changed=None, **DRF),
            "field other: shown by a __str__ of your own",
        ),
        (field(kind="MoneyField", changed=None), "field other: a MoneyField of your own"),
        (field(source="built_at", format="none"), "field other: shown as the renderer likes"),
        (
            {"serializer": SERIALIZER | {"overridden": ["to_representation"]}},
            "serializer Boat: to_representation is your own",
        ),
        ({"overridden": ["list"]}, "Boats.list is your own"),
        ({"overridden": ["get_queryset"]}, "Boats.get_queryset is your own"),
        ({"action": "tide"}, "handler Boats.tide is your own"),
        ({"queryset": {"narrowed": ["a filter"]}}, "the queryset has a filter"),
        ({"authenticators": ["harbour.api.ByFlag"]}, "authenticator harbour.api.ByFlag"),
        ({"throttles": ["harbour.api.Slow"]}, "throttle harbour.api.Slow can't be read without a request"),
        ({"versioning": "harbour.api.ByFlag"}, "versioning harbour.api.ByFlag"),
        (
            {"versioning": "harbour.api.ByFlag", "versions": VERSIONS | {"kind": "url", "overridden": ["reverse"]}},
            "versioning harbour.api.ByFlag",
        ),
        ({"throttle_rates": [THROTTLE | {"kind": "custom"}]}, "throttle harbour.api.Burst is your own"),
        ({"throttle_rates": [THROTTLE | {"overridden": ["wait"]}]}, "throttle harbour.api.Burst is your own"),
        (
            {"throttle_rates": [THROTTLE | {"shared": False}]},
            "throttle harbour.api.Burst counts in a cache of Django's:"
            " put strangler_django.throttling into INSTALLED_APPS",
        ),
        ({"pagination": {"kind": "custom"}}, "pagination: custom"),
        ({"renderers": ["harbour.api.Xml"]}, "renderer harbour.api.Xml"),
        (
            {"renderers": [BROWSABLE_API, "rest_framework.renderers.JSONRenderer"]},
            "answers are pages of HTML unless a request wants JSON: put JSONRenderer before BrowsableAPIRenderer",
        ),
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


@pytest.mark.parametrize(
    ("facts", "gap", "file", "code"),
    [
        (
            field(method="get_other"),
            "field other: computed by get_other",
            "serializers.py",
            '@unported("BoatSerializer, field other: computed by get_other")\ndef boat_other(boat: Mapping[str, Any])',
        ),
        (
            {"permissions": ["harbour.api.OfTheCrew"]},
            "permission OfTheCrew is your own",
            "router.py",
            'permission=not_ported("permission OfTheCrew is your own"),',
        ),
        (
            {"permissions": None},
            "its permissions can't be read without a request",
            "router.py",
            "permission=not_ported",
        ),
        ({"overridden": ["get_permissions"]}, "Boats.get_permissions reads the request", "router.py", "=not_ported("),
    ],
)
def test_what_one_function_lacks_is_written_but_for_that(facts: dict[str, Any], gap: str, file: str, code: str) -> None:
    made = feature(LIST | facts)
    assert (made.endpoints[0].gaps, made.endpoints[0].functions) == ([], [gap])
    assert code in text_of(made, file)
    assert "async def boats_list(" in text_of(made, "router.py")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (
            {"kind": "SlugRelatedField", "slug_field": "id", "read_only": False, "allow_null": True},
            'link=foreign_key(Boat, "berth"), source="berth_id", slug_field="id", required=False, allow_null=True',
        ),
        ({"kind": "StringRelatedField", "text": "place"}, 'source="berth_id", text=lambda row: row.place'),
        (
            {"kind": "PrimaryKeyRelatedField", "read_only": False, "required": True},
            'model_field(Boat, "berth_id", required=True, allow_null=False)',
        ),
    ],
)
def test_fields_that_stand_for_a_row_are_the_librarys(facts: dict[str, Any], code: str) -> None:
    own = field(source="berth", link="many_to_one", changed=None, **DRF, **facts)
    made = feature(LIST | own, CREATE | own)
    assert [each.gaps for each in made.endpoints] == [[], []]
    assert code in " ".join(text_of(made, "serializers.py").split())
    # Which rows may be sent is the project's own.
    if not own["serializer"]["fields"][1]["read_only"]:
        narrow = field(source="berth", link="many_to_one", changed=None, narrowed=True, **DRF, **facts)
        assert feature(CREATE | narrow).endpoints[0].gaps == ["field other: takes some rows only"]


def test_a_hook_that_reads_nothing_of_a_request_is_no_gap() -> None:
    assert feature(LIST | {"overridden": ["get_queryset"], "constant": ["get_queryset"]}).endpoints[0].gaps == []


def test_a_gap_of_what_is_written_leaves_reading_alone() -> None:
    for name in ("validate_name", "run_validation", "is_valid"):
        own = SERIALIZER | {"overridden": [name]}
        made = feature(LIST | {"serializer": own}, CREATE | {"serializer": own})
        assert [each.gaps for each in made.endpoints] == [[], [f"serializer Boat: {name} is your own"]]
    # Whatever else a serializer replaces may show in an answer.
    for name in ("data", "fields", "get_attribute"):
        made = feature(LIST | {"serializer": SERIALIZER | {"overridden": [name]}})
        assert made.endpoints[0].gaps == [f"serializer Boat: {name} is your own"]


ROW = {"path": "/api/boats/{pk}/", "detail": True, "pagination": None}
SHOWN = SERIALIZER | {"class": "harbour.api.ShownSerializer", "fields": [NAME, NAME | {"name": "title"}]}


def test_what_answers_by_another_serializer_is_written_so() -> None:
    of_rows = SERIALIZER | {"answers": SHOWN}
    made = feature(LIST | {"serializer": of_rows}, CREATE | {"serializer": of_rows})
    serializers, router = " ".join(text_of(made, "serializers.py").split()), text_of(made, "router.py")
    assert "BOATS = Resource( Boat, BOAT_SERIALIZER, ordering" in serializers
    assert "BOAT = Resource( Boat, BOAT_SERIALIZER, answers=SHOWN_SERIALIZER, " in serializers
    assert "@boats.post(response=SHOWN_SERIALIZER, status=201)" in router
    assert "@boats.get(many=list, query=BOATS.query)" in router
    # What shows the items of a list, too, reads bodies alone.
    of_all = of_rows | {"answers_items": True}
    serializers = text_of(feature(LIST | {"serializer": of_all}, CREATE | {"serializer": of_all}), "serializers.py")
    assert "BOATS = Resource( Boat, SHOWN_SERIALIZER, ordering" in " ".join(serializers.split())
    gapped = SHOWN | {"overridden": ["to_representation"]}
    made = feature(CREATE | {"serializer": SERIALIZER | {"answers": gapped}})
    assert made.endpoints[0].gaps == ["serializer Shown: to_representation is your own"]


def test_a_row_is_made_read_and_deleted_by_the_key_that_it_answers_with(tmp_path: Path) -> None:
    shown = SHOWN | {"fields": [NAME | {"name": "id", "kind": "IntegerField", "read_only": True}]}
    read, deleted = LIST | ROW | {"action": "retrieve"}, LIST | ROW | {"method": "DELETE", "action": "destroy"}
    made = feature(CREATE | {"serializer": SERIALIZER | {"answers": shown}}, read, deleted)
    cases = tomllib.loads(case_file_text(made, project(tmp_path)))["case"]
    assert [{*each} & {"get", "post", "delete"} for each in cases] == [{"post"}, {"get"}, {"delete"}]
    assert cases[0]["save"] == {"row": "$.id"}
    # Nobody knows which row it was.
    assert case_file_text(feature(CREATE, read), project(tmp_path)) == ""


def test_methods_of_one_route_have_the_serializer_of_each() -> None:
    put = LIST | ROW | {"method": "PUT", "action": "update"}
    patch = put | {"method": "PATCH", "action": "partial_update", "serializer": SHOWN}
    api = DjangoApi.model_validate({"format": 1, "endpoints": [put, patch]})
    route = Route(name="boats.update", methods=("PUT", "PATCH"), path="/boats/{pk}/", stage=Stage.LEGACY)
    chosen = [(each, route) for each in api.endpoints]
    made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", chosen, api=api, contract=CONTRACT).features[0]
    router = text_of(made, "router.py")
    assert "@boat.put()\nasync def boats_update(" in router
    assert "@boat.patch(response=SHOWN_SERIALIZER)\nasync def boats_update_by_patch(" in router
    assert router.count("return await BOATS.update(") == router.count("return await SHOWN.update(") == 1


def test_what_django_calls_when_rows_are_written_is_a_function_to_fill_in() -> None:
    place = {"name": "place", "kind": "CharField", "source": "place", "required": True, "changed": {}}
    berths = {"class": "harbour.api.BerthSerializer", "model": "harbour.Berth", "table": "berth", "fields": [place]}
    of_berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "serializer": berths, "queryset": {}}
    destroy = {"method": "DELETE", "action": "destroy", "path": "/api/boats/{pk}/"}
    made = feature(LIST | of_berths, CREATE | of_berths, LIST | of_berths | destroy)
    count, saved, gone = "signal post_save harbour.signals.count", "harbour.Berth.save is your own", "signal pre_delete"
    assert [(each.gaps, each.functions) for each in made.endpoints] == [
        ([], []),
        ([], [saved, count]),
        ([], [f"{gone} harbour.signals.count", "signal post_delete harbour.signals.left"]),
    ]
    effects = text_of(made, "effects.py")
    assert f'@unported("{saved}")\nasync def berth_save(session: RequestSession, write: RowWrite) -> None:' in effects
    assert 'Effect("harbour.Berth.save", before=berth_save),' in effects
    # One function is called at either time, for either action.
    assert effects.count("async def count(") == 1
    assert 'Effect("harbour.signals.count", after=count, before=count),' in effects
    assert "effects=BOATS_EFFECTS," in text_of(made, "serializers.py")
    router = text_of(made, "router.py")
    assert '.post(status=201, gaps=BOATS.unported("create"))' in router
    assert '.delete(gaps=BOATS.unported("destroy"))' in router
    assert "gaps" not in router.partition("def boats_list")[0].rpartition("@")[2]
    assert "effects.py" not in dict(FeatureModules(feature(LIST | of_berths)).modules())


def test_links_whose_writes_django_tells_somebody_of_are_a_gap() -> None:
    links = {
        "boat_tags": {"name": "boat_tags", "model": "harbour.Boat_tags", "columns": {"id": ID}, "auto_created": True}
    }
    links["boat_tags"]["receivers"] = ["m2m_changed harbour.signals.tagged", "post_save harbour.signals.all"]
    relation = {"table": "boat_tags", "source_column": "boat_id", "target_column": "tag_id", "target": "tag"}
    tagged = {"boat": TABLES["boat"] | {"many_to_many": {"tags": relation}}}
    contract = Contract.model_validate({"format": 2, "tables": TABLES | links | tagged})
    for action, read_only, gaps in (
        ("create", False, ["signal m2m_changed harbour.signals.tagged"]),
        ("create", True, []),
        ("destroy", False, []),
        ("list", False, []),
    ):
        tags = {"name": "labels", "kind": "ManyRelatedField", "source": "tags", "read_only": read_only, "changed": {}}
        serializer = SERIALIZER | {"fields": [NAME, tags]}
        endpoint = DjangoEndpoint.model_validate(LIST | {"action": action, "serializer": serializer})
        assert list(handler_gaps(endpoint, contract)) == gaps


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


def test_orders_and_searches_keep_their_parameters() -> None:
    filters = {
        "ordering": {"parameter": "sort", "valid": ["name"]},
        "search": {"parameter": "q", "fields": ["name"]},
    }
    made = feature(LIST | {"filters": filters})
    assert (made.endpoints[0].gaps, made.endpoints[0].limits) == ([], [])
    text = " ".join(text_of(made, "serializers.py").split())
    assert 'ordering_param="sort"' in text
    assert 'search_param="q"' in text


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ({"kind": "CharFilter", "field": "name", "lookup": "icontains"}, 'lambda: Boat.name, TEXT, "icontains"'),
        ({"kind": "ConcreteInFilter", "field": "id", "lookup": "in"}, 'lambda: Boat.id, NUMBER, "in"'),
        ({"kind": "BooleanFilter", "field": "berth", "lookup": "isnull"}, 'lambda: Boat.berth_id, TEXT, "isnull"'),
        ({"kind": "ChoiceFilter", "field": "name", "choices": ["a", "b"]}, 'lambda: Boat.name, choice(("a", "b"))'),
        ({"kind": "ModelChoiceFilter", "field": "berth"}, "related_filter(lambda: Boat.berth_id, Berth)"),
        (
            {"kind": "ModelMultipleChoiceFilter", "field": "berth"},
            "related_multiple_filter(lambda: Boat.berth_id, Berth)",
        ),
        ({"kind": "DateRangeFilter", "field": "built_at"}, "date_range_filter(lambda: Boat.built_at)"),
        ({"kind": "DurationFilter", "field": "id"}, "column_filter(lambda: Boat.id, DURATION)"),
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


def test_a_filter_with_settings_of_its_own_is_a_gap() -> None:
    parameter = {"name": "x", "kind": "NumberFilter", "field": "id", "settings": ["min_value", "required"]}
    made = feature(LIST | {"filters": {"filterset": {"parameters": [parameter]}}})
    assert made.endpoints[0].limits == ["filter x: a NumberFilter with min_value, required"]


def test_texts_that_a_queryset_is_narrowed_by_are_filters() -> None:
    rows = {"filters": {"called": ["name", "icontains"], "at": ["berth__place", "exact"], "x": ["tide", "exact"]}}
    made = feature(LIST | {"overridden": ["get_queryset"], "rows": rows})
    assert (made.endpoints[0].gaps, made.endpoints[0].limits) == ([], ["?x=: harbour.Boat has no column tide"])
    text = text_of(made, "serializers.py")
    assert '"called": column_filter(lambda: Boat.name, SENT_TEXT, "icontains"),' in text
    assert '"at": column_filter(lambda: related_column(Boat, "berth__place"), SENT_TEXT),' in text


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


def test_models_of_one_name_in_two_apps_are_two_classes() -> None:
    of_crews = TABLES["berth"] | {"name": "crew_berth", "model": "crew_quarters.Berth"}
    contract = Contract.model_validate({"format": 2, "tables": TABLES | {"crew_berth": of_crews}})
    tables = Tables(contract)
    assert [tables.use(name) for name in ("berth", "crew_berth", "boat")] == [
        *("HarbourBerth", "CrewQuartersBerth", "Boat"),
    ]
    text = models_text(tables, package="harbour", base="Table", contract="FILE", title="harbour")
    assert "class HarbourBerth(Table):" in text
    assert "class CrewQuartersBerth(Table):" in text
    # One that is there keeps its name.
    there = classes_there(text.replace("HarbourBerth", "Berth"))
    assert Tables(contract, there).use("berth") == "Berth"


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


ACCOUNTS = {
    "sailor": {
        "name": "sailor",
        "model": "harbour.Sailor",
        "columns": {
            "id": ID,
            "username": {"field": "username", "kind": "CharField", "type": "text", "null": False, "unique": True},
            "password": {"field": "password", "kind": "CharField", "type": "text", "null": False},
            "is_active": {"field": "is_active", "kind": "BooleanField", "type": "boolean", "null": False},
            "is_superuser": {"field": "is_superuser", "kind": "BooleanField", "type": "boolean", "null": False},
            "last_login": {
                "field": "last_login",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": True,
            },
        },
        "many_to_many": {
            name: {"table": f"sailor_{name}", "source_column": "sailor_id", "target_column": key, "target": target}
            for name, key, target in (
                ("groups", "group_id", "auth_group"),
                ("user_permissions", "permission_id", "auth_permission"),
            )
        },
    }
}
ACCOUNTS |= {
    name: {"name": name, "model": model, "columns": {"id": ID}}
    for name, model in (
        ("sailor_groups", "harbour.Sailor_groups"),
        ("sailor_user_permissions", "harbour.Sailor_user_permissions"),
        ("auth_permission", "auth.Permission"),
        ("auth_group_permissions", "auth.Group_permissions"),
        ("django_content_type", "contenttypes.ContentType"),
        ("token_blacklist_outstandingtoken", "token_blacklist.OutstandingToken"),
        ("token_blacklist_blacklistedtoken", "token_blacklist.BlacklistedToken"),
    )
}
BOAT: dict[str, Any] = dict(TABLES["boat"])
BOAT["columns"] = BOAT["columns"] | {
    "captain_id": {
        "field": "captain",
        "kind": "ForeignKey",
        "type": "bigint",
        "null": False,
        "references": {"table": "sailor", "column": "id", "on_delete": "CASCADE"},
    },
}
SIGNED = {"authenticators": ["rest_framework_simplejwt.authentication.JWTAuthentication"]}
SIMPLEJWT = "rest_framework_simplejwt"
OBTAIN: dict[str, Any] = {
    "path": "/api/boats/sign-in/",
    "method": "POST",
    "kind": "view",
    "view": f"{SIMPLEJWT}.views.TokenObtainPairView",
    "serializer": {"class": f"{SIMPLEJWT}.serializers.TokenObtainPairSerializer"},
}


def texts_of(
    *endpoints: dict[str, Any], without: tuple[str, ...] = (), tokens: dict[str, Any] | None = None, **settings: Any
) -> tuple[list[list[str]], dict[str, str]]:
    """The gaps and files of a service whose users sign in, `without` some tables; the lone list makes them known."""
    given = {"format": 1, "endpoints": [LIST | SIGNED, *endpoints]}
    api = DjangoApi.model_validate(given | {"settings": {"user_model": "harbour.Sailor", **settings}})
    tables = TABLES | ACCOUNTS | {"boat": BOAT}
    tables = {name: facts for name, facts in tables.items() if not name.startswith(without)}
    contract = Contract.model_validate({"format": 2, "tables": tables, "tokens": tokens or {}})
    selected = [
        (each, Route(name=f"boats.{number}", methods=(each.method,), path="/boats/", stage=Stage.LEGACY))
        for number, each in enumerate(api.endpoints[1:])
    ]
    made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", selected, api=api, contract=contract)
    files = {os.path.relpath(file.path, "/nowhere/harbour_fastapi"): file.text for file in made.files()}
    for name, text in files.items():
        if name.endswith(".py"):
            compile(text, name, "exec")
    return [[*each.gaps, *each.functions] for each in made.features[0].endpoints], files


PERMS_MAP = dict.fromkeys(("GET", "OPTIONS", "HEAD"), ()) | {
    method: (f"%(app_label)s.{verb}_%(model_name)s",)
    for method, verb in (("POST", "add"), ("PUT", "change"), ("PATCH", "change"), ("DELETE", "delete"))
}


@pytest.mark.parametrize(
    ("name", "map", "anonymous", "written"),
    [
        ("harbour.api.Crew", PERMS_MAP, False, "class Crew(DjangoModelPermissions):"),
        # Code of the project has changed it for all views.
        (
            f"{PERMISSIONS}.DjangoModelPermissionsOrAnonReadOnly",
            PERMS_MAP | {"GET": ("x.view",)},
            True,
            "class OwnDjangoModelPermissionsOrAnonReadOnly(DjangoModelPermissionsOrAnonReadOnly):",
        ),
    ],
)
def test_permissions_of_the_model_want_what_the_project_says(
    name: str, map: Any, anonymous: bool, written: str
) -> None:
    facts = {"permissions": [name], "permission_maps": {name: {"map": map, "anonymous": anonymous}}}
    gaps, files = texts_of(LIST | SIGNED | facts)
    assert gaps == [[]]
    permissions, constant = files["boats/permissions.py"], written.removeprefix("class ").partition("(")[0]
    assert written in permissions
    wanted = '"GET": ["x.view"],' if "x.view" in str(map) else '"GET": [],'
    assert wanted in permissions
    assert "BasePermission" not in permissions
    assert f"permission={constant}(MODEL_PERMISSIONS, Boat)," in " ".join(files["boats/router.py"].split())


def test_permissions_of_the_model_are_looked_up_where_django_does() -> None:
    name = f"{PERMISSIONS}.DjangoModelPermissionsOrAnonReadOnly"
    mapped = {"permission_maps": {name: {"map": PERMS_MAP, "anonymous": True}}}
    permitted = SIGNED | {"permissions": [name]} | mapped
    gaps, files = texts_of(LIST | permitted)
    assert gaps == [[]]
    router = files["boats/router.py"]
    assert "permission=DjangoModelPermissionsOrAnonReadOnly(MODEL_PERMISSIONS, Boat)," in router
    assert "yield from MODEL_PERMISSIONS.statements()" in files["boats/statements.py"]
    accounts = " ".join(files["accounts.py"].split())
    assert 'user_permission=SailorUserPermissions, user_column="sailor_id"' in accounts
    # Another backend may grant what no table says.
    sessions = {"backends": ["guardian.backends.ObjectPermissionBackend"]}
    gaps, files = texts_of(LIST | permitted, sessions=sessions)
    assert gaps == [["permission DjangoModelPermissionsOrAnonReadOnly asks guardian.backends.ObjectPermissionBackend"]]
    assert "permission=not_ported(" in files["boats/router.py"]


def test_simplejwts_views_are_those_of_the_library() -> None:
    own = {"serializer": {"class": "harbour.api.WithTheRank"}, "path": "/api/boats/ranked/"}
    gaps, files = texts_of(OBTAIN, OBTAIN | own, password_hasher="pbkdf2_sha256")
    assert [each[:1] for each in gaps] == [[], ["handler TokenObtainPairView.post has no counterpart here"]]
    router = files["boats/router.py"]
    made = 'token_router(PREFIXES, TOKEN_TABLES, paths={"token": "/boats/sign-in/"}, name="boats")'
    assert f"router.routes += {made}.routes\n" in router
    assert "yield from TOKEN_TABLES.statements()" in files["boats/statements.py"]
    # Django may lack Argon2: it has to read what a sign-in leaves.
    assert "renews_passwords=False" in files["accounts.py"]
    assert "renews_passwords" not in texts_of(OBTAIN)[1]["accounts.py"]
    assert "router = token_router(" in texts_of(OBTAIN)[1]["boats/router.py"]
    gaps, files = texts_of(OBTAIN, without=("token_blacklist",))
    assert gaps == [[]]
    assert "TokenTables(user=Sailor, account=Account)" in files["accounts.py"]


def test_sliding_tokens_are_accepted_until_they_are_ended() -> None:
    view = {name: text.replace("ObtainPair", "ObtainSliding") for name, text in OBTAIN.items() if name == "view"}
    made = {"serializer": {"class": f"{SIMPLEJWT}.serializers.TokenObtainSlidingSerializer"}}
    tokens = {"auth_token_classes": [["SlidingToken", "sliding"]]}
    gaps, files = texts_of(OBTAIN | view | made, tokens=tokens)
    assert gaps == [[]]
    assert 'paths={"sliding": "/boats/sign-in/"}' in files["boats/router.py"]
    accounts = files["accounts.py"]
    assert "BEARER = JWTAuthentication(USERS.find_account, blacklist=TOKEN_TABLES)\n" in accounts
    assert accounts.index("TOKEN_TABLES = ") < accounts.index("BEARER = ")
    assert "yield from TOKEN_TABLES.blacklist_statements()" in accounts
    accounts = texts_of(OBTAIN | view | made, tokens=tokens, without=("token_blacklist",))[1]["accounts.py"]
    assert "blacklist" not in accounts


def test_rows_of_the_caller_are_the_resources_own_arguments() -> None:
    hooks = {"overridden": ["perform_create", "get_queryset"], "creator": "captain", "rows": {"owner": "captain"}}
    gaps, files = texts_of(LIST | SIGNED | hooks, CREATE | SIGNED | hooks)
    assert gaps == [[], []]
    assert 'creator="captain_id", owner="captain_id"' in " ".join(files["boats/serializers.py"].split())
    gaps, _ = texts_of(LIST | SIGNED | hooks | {"rows": {"owner": "berth"}, "creator": None})
    assert gaps == [["berth is no key of a user"]]


def test_answers_name_what_they_depend_on_as_djangos_do() -> None:
    two = {"renderers": [f"rest_framework.renderers.{name}Renderer" for name in ("JSON", "BrowsableAPI")]}
    assert "renderers=(JSON_RENDERER, BROWSABLE_API)," in text_of(feature(LIST | two), "router.py")
    assert "renderers=" not in text_of(feature(LIST), "router.py")
    _, files = texts_of(LIST | two, compact_json=False)
    assert "renderers=(json_renderer(compact=False), BROWSABLE_API)," in files["boats/router.py"]
    assert "import BROWSABLE_API, json_renderer\n" in files["boats/router.py"]
    _, files = texts_of(LIST | two | {"authenticators": ["rest_framework.authentication.SessionAuthentication"]})
    # What looks into the session says so itself: a refused Accept is answered before.
    assert "vary=" not in files["boats/router.py"]


def test_addresses_are_below_the_apis_prefix() -> None:
    link = {"kind": "HyperlinkedIdentityField", "source": "*", "lookup": "pk", **DRF}
    made = feature(LIST | field(**link, address="/api/boats/{}/"))
    assert made.endpoints[0].gaps == []
    assert 'HyperlinkedField(path="/boats/{}/", source="id")' in text_of(made, "serializers.py")
    for address in (None, "/elsewhere/{}/"):
        gaps = feature(LIST | field(**link, address=address)).endpoints[0].gaps
        assert gaps == ["field other: a HyperlinkedIdentityField to a path that isn't below the API's prefix"]


def test_addresses_are_taken_where_they_are_of_a_key() -> None:
    link = {"kind": "HyperlinkedRelatedField", "source": "berth", "link": "many_to_one", "address": "/api/berths/{}/"}
    link |= {"required": False, "allow_null": True, "lookup": "pk", "changed": None, **DRF, "read_only": False}
    made = feature(CREATE | field(**link))
    assert made.endpoints[0].gaps == []
    text = " ".join(text_of(made, "serializers.py").split())
    into = 'into=HyperlinkedRelatedField, path="/berths/{}/", required=False, allow_null=True'
    assert f'"other": model_field( Boat, "berth_id", {into}' in text or f'model_field(Boat, "berth_id", {into}' in text
    for changed in ({"narrowed": True}, {"lookup": "place"}, {"class": "harbour.api.LinkField"}):
        assert feature(CREATE | field(**(link | changed))).endpoints[0].gaps != []


def test_the_root_of_a_router_lists_its_paths() -> None:
    root = LIST | {"action": None, "serializer": None, "root": [["zebras", "/api/zebras/"], ["boats", "/api/boats/"]]}
    made = feature(root)
    assert made.endpoints[0].gaps == []
    router = text_of(made, "router.py")
    assert '_PATHS = {"zebras": "/zebras/", "boats": "/boats/"}\n' in router
    assert "return JsonResponse(addresses(request, " in router
    assert feature(root | {"root": [["up", "/up/"]]}).endpoints[0].gaps != []


def test_rows_that_point_back_and_properties_of_the_model() -> None:
    back = {"link": "one_to_many", "pointing": {"table": "boat", "field": "berth"}, "source": "boats", "many": True}
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {"narrowed": [], "ordering": []}}
    inner = {"class": "harbour.api.NameSerializer", "table": "boat", "fields": [NAME]}

    def written(**facts: Any) -> FeatureScaffold:
        fields = [{"name": "boats", "read_only": True, "changed": {}, **back, **facts}]
        serializer = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": fields}
        return feature(LIST | berths | {"serializer": serializer})

    link = 'link=one_to_many(Berth, Boat, "berth")'
    rows, keys = written(kind="NameSerializer", serializer=inner), written(kind="PrimaryKeyRelatedField")
    assert f"NestedField(children=BERTH_NAME_SERIALIZER, {link})" in text_of(rows, "serializers.py")
    assert f"PointingKeysField({link})" in text_of(keys, "serializers.py")
    managed = written(kind="PrimaryKeyRelatedField", managed=True)
    assert managed.endpoints[0].gaps == ["field boats: keys of boats by a manager of your own"]
    (gap,) = feature(LIST | field(property="Boat.age", source="age", kind="ReadOnlyField", **DRF)).endpoints[0].gaps
    assert gap.startswith("field other: Boat.age is Python: write it as an SQL expression in `annotations`")


def test_rows_at_the_other_end_of_a_relation() -> None:
    links: dict[str, Any] = {"name": "flags", "model": "harbour.Boat_flags", "auto_created": True}
    links["columns"] = {"id": ID} | {
        f"{name}_id": {"field": name, "kind": "ForeignKey", "type": "bigint", "null": False}
        | {"references": {"table": name, "column": "id", "on_delete": "CASCADE"}}
        for name in ("boat", "berth")
    }
    relation = {"table": "flags", "source_column": "boat_id", "target_column": "berth_id", "target": "berth"}
    tables = TABLES | {"flags": links, "boat": TABLES["boat"] | {"many_to_many": {"berths": relation}}}
    contract = Contract.model_validate({"format": 2, "tables": tables})
    back = {"name": "boats", "source": "boats", "many": True, "read_only": True, "changed": {}, "link": "many_to_many"}
    back["other_end"] = {"table": "boat", "field": "berths"}
    inner = {"class": "harbour.api.NameSerializer", "table": "boat", "fields": [NAME]}
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {}}
    link = 'link=many_to_many_from(Berth, Boat, "berths")'
    for facts, code in (
        ({"kind": "NameSerializer", "serializer": inner}, f"NestedField(children=BERTH_NAME_SERIALIZER, {link})"),
        ({"kind": "PrimaryKeyRelatedField"}, f"PointingKeysField({link})"),
        ({"kind": "SlugRelatedField", "slug_field": "name", **DRF}, f'ManySlugRelatedField({link}, slug_field="name")'),
    ):
        serializer = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": [back | facts]}
        api = DjangoApi.model_validate({"format": 1, "endpoints": [LIST | berths | {"serializer": serializer}]})
        route = Route(name="boats.list", methods=("GET",), path="/boats/", stage=Stage.LEGACY)
        chosen = [(api.endpoints[0], route)]
        made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", chosen, api=api, contract=contract)
        assert made.features[0].endpoints[0].gaps == []
        assert code in " ".join(text_of(made.features[0], "serializers.py").split())
        models = {file.path.name: file.text for file in made.files()}["models.py"]
        assert "boat_id: Mapped[int]\n    berth_id: Mapped[int]" in models


def test_constant_filters_are_conditions_of_the_rows() -> None:
    where = [
        ["is", "name", "exact", "Ada"],
        ["not", ["or", ["is", "built_at", "isnull", True], ["is", "berth__place", "startswith", "x"]]],
        ["is", "id", "in", [1, 2]],
    ]
    text = text_of(feature(LIST | {"queryset": {"ordering": ["name"], "where": where}}), "serializers.py")
    assert 'Boat.name == "Ada"' in text
    assert 'related_column(Boat, "berth__place").startswith("x", autoescape=True)' in text
    assert "not_(or_(Boat.built_at.is_(None)" in text
    assert "Boat.id.in_([1, 2])" in text
    assert "from sqlalchemy import not_, or_" in text


def test_the_rows_of_an_endpoint_are_those_of_its_own_queryset() -> None:
    delete = LIST | {"method": "DELETE", "action": "destroy", "serializer": None, "path": "/api/boats/{pk}/"}
    mine = {"queryset": {"ordering": ["name"], "where": [["is", "id", "gt", 1]]}}
    made = feature(LIST, CREATE, delete | mine)
    resources = [made.resource_of(each) for each in made.endpoints]
    assert resources[0] is resources[1] is not resources[2]
    assert ["where" in each.lists.arguments for each in resources if each] == [False, False, True]


def test_the_root_of_a_router_stands_beside_lists() -> None:
    root = LIST | {"path": "/api/", "action": None, "root": [["boats", "/api/boats/"]], "serializer": None}
    assert not feature(root | {"queryset": None}, LIST).endpoints[0].gaps
    assert "addresses(request" in text_of(feature(root, LIST), "router.py")


def test_a_column_whose_name_a_class_uses_itself_has_an_attribute_of_another() -> None:
    tables = Tables(CONTRACT)
    tables.use("crate", "key", "Unit Price")
    before = models_text(tables, package="harbour", base="Table", contract="FILE", title="harbour")
    assert '    __columns__ = {"key_": "key", "Unit_Price": "Unit Price"}\n' in before
    assert "    key_: Mapped[str]\n" in before
    tables.use("crate", "class")
    after = models_added(before, tables, package="harbour")
    assert '"class_": "class"' in after
    assert after.count("__columns__") == 1
    compile(after, "models.py", "exec")


def test_what_a_method_makes_of_columns_is_a_function_of_them() -> None:
    value = {"code": "f'{name} ({berth__place})'", "columns": {"name": "name", "berth__place": "berth__place"}}
    shown = {"name": "shown", "kind": "SerializerMethodField", "method": "get_shown", "read_only": True}
    serializer = SERIALIZER | {"fields": [NAME, shown | {"computed": value}]}
    text = text_of(feature(LIST | {"serializer": serializer}), "serializers.py")
    assert 'columns=("name", "berth__place")' in text
    assert 'function=lambda name, berth__place: f"{name} ({berth__place})"' in text
    long = value | {"code": " + ".join(["name"] * 20)}
    made = feature(LIST | {"serializer": SERIALIZER | {"fields": [NAME, shown | {"computed": long}]}})
    assert (made.endpoints[0].gaps, made.endpoints[0].functions) == ([], [])
    text = text_of(made, "serializers.py")
    assert "\n\n\ndef boat_shown(name: Any, berth__place: Any) -> Any:\n" in text
    assert f"    return (\n        {long['code']}\n    )\n" in text
    assert 'columns=("name", "berth__place"), function=boat_shown)' in " ".join(text.split())
    compile(text, "serializers.py", "exec")


def test_what_is_unique_together_is_a_rule_of_the_serializer() -> None:
    rule = {"fields": {"name": "name", "berth": "berth"}, "message": "The fields {field_names} must make a unique set."}
    text = text_of(feature(LIST | {"serializer": SERIALIZER | {"unique_together": [rule]}}), "serializers.py")
    assert 'rules=(UniqueTogetherValidator(Boat, ("name", "berth_id"), keys=("name", "berth")),)' in text


def test_a_context_that_no_field_looks_at_is_no_gap() -> None:
    own = {"overridden": ["get_serializer_context"]}
    name = NAME | {"class": "rest_framework.fields.CharField"}
    assert not feature(LIST | own | {"serializer": SERIALIZER | {"fields": [name]}}).endpoints[0].gaps
    hidden = name | {"kind": "HiddenField", "write_only": True}
    gaps = feature(LIST | own | {"serializer": SERIALIZER | {"fields": [name, hidden]}}).endpoints[0].gaps
    assert "Boats.get_serializer_context is your own" in gaps


def test_a_count_of_rows_is_an_annotation_and_a_new_row_has_none() -> None:
    counted = {"queryset": {"ordering": ["place"], "annotations": {"many": ["count", "boat", "berth"]}}}
    many = {"name": "many", "kind": "IntegerField", "class": "rest_framework.fields.IntegerField", "read_only": True}
    rows = {"model": {"label": "harbour.Berth", "table": "berth"}}
    place = NAME | {"name": "place", "source": "place"}
    serializer = SERIALIZER | {"model": "harbour.Berth", "table": "berth", "fields": [place, many | {"source": "many"}]}
    made = feature(LIST | rows | counted | {"serializer": serializer}, CREATE | rows | {"serializer": serializer})
    assert made.endpoints[0].gaps == []
    text = text_of(made, "serializers.py")
    assert '"many": lambda: related_count(Berth, one_to_many(Berth, Boat, "berth"))' in " ".join(text.split())
    assert '"many": ReadOnlyField(type="integer")' in text
    assert "field many: Django's new row has none" in made.endpoints[1].gaps


def test_numbers_of_rows_are_calculated_as_their_queryset_says() -> None:
    count = ["count", "boat", "berth"]
    is_empty = ["is", "place", "exact", ""]
    numbers = {
        "free": ["-", ["*", ["column", "id"], ["+", ["value", 2], count]], ["-", ["value", 1], count]],
        "known": ["case", [[is_empty, ["value", None]]], ["coalesce", ["column", "id"], ["value", 0]]],
    }
    rows = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {"annotations": numbers}}
    shown = [
        NAME | {"name": name, "source": name, "kind": "IntegerField", "changed": None, "read_only": True, **DRF}
        for name in numbers
    ]
    serializer = SERIALIZER | {"model": "harbour.Berth", "table": "berth", "fields": shown}
    made = feature(LIST | rows | {"serializer": serializer})
    assert made.endpoints[0].gaps == []
    text, counted = text_of(made, "serializers.py"), 'related_count(Berth, one_to_many(Berth, Boat, "berth"))'
    assert f'"free": lambda: Berth.id * (2 + {counted}) - (1 - {counted})' in text
    case = 'lambda: case((Berth.place == "", null()), else_=func.coalesce(Berth.id, 0))'
    assert f'"known": {case}' in text
    assert "from sqlalchemy import case, func, null" in text


@pytest.mark.parametrize(
    ("ordering", "remark"),
    [
        (["-id"], []),
        (["name", "pk"], []),
        (["-name"], ["rows that are equal in name come in any order from Django, and by their key from FastAPI"]),
        ([], ["rows come in any order from Django, and by their key from FastAPI"]),
    ],
)
def test_a_list_whose_order_leaves_rows_alike_is_remarked(ordering: list[str], remark: list[str]) -> None:
    made = feature(LIST | {"queryset": {"ordering": ordering}}, CREATE)
    assert [each.remarks for each in made.endpoints] == [remark, []]
    assert [each.gaps for each in made.endpoints] == [[], []]


def test_a_row_is_added_beside_a_list_that_can_not_be_read() -> None:
    unread = {"model": None, "queryset": None, "unread": [{"what": "model", "reason": "AttributeError: user"}]}
    made = feature(LIST | unread, CREATE)
    assert [bool(each.gaps) for each in made.endpoints] == [True, False]
    assert "async def boats_create" in text_of(made, "router.py")


def test_rules_of_rows_that_are_written_within_are_a_gap() -> None:
    rule = {"fields": {"place": "place", "id": "id"}, "message": "…"}
    inner = {"class": "harbour.api.BerthSerializer", "model": "harbour.Berth", "table": "berth"}
    inner |= {"fields": [NAME | {"name": "place", "source": "place"}], "unique_together": [rule]}
    berth = {"name": "berth", "kind": "BerthSerializer", "source": "berth", "link": "many_to_one", "serializer": inner}
    made = feature(CREATE | {"serializer": SERIALIZER | {"fields": [NAME, berth]}})
    assert any("UniqueTogetherValidator" in gap for each in made.serializers.written for gap in each.writes)


def test_a_view_without_options_says_so() -> None:
    text = text_of(feature(LIST | {"without": ["HEAD", "OPTIONS"]}), "router.py")
    assert 'without=("HEAD", "OPTIONS")' in " ".join(text.split())
