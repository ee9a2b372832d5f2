"""The inventory names what a move can lose, and orders endpoints by effort."""

import re
from typing import Any

import pytest

from shared_schema.contract.contract import Contract, TableFacts
from strangler.adoption import hazards
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.hazards import Effort, Hazard, endpoint_hazards, project_hazards
from strangler.adoption.inventory import Inventory, InventoryEntry, take_inventory
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.cli.inventory import _show
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Route, Stage
from tests.example import ROOT

DRF = "rest_framework"
PLAIN: dict[str, Any] = {
    "path": "/api/posts/",
    "method": "GET",
    "kind": "viewset",
    "view": "shop.views.PostViewSet",
    "action": "list",
    "authenticators": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "permissions": [f"{DRF}.permissions.IsAuthenticated"],
    "renderers": [f"{DRF}.renderers.JSONRenderer", f"{DRF}.renderers.BrowsableAPIRenderer"],
    "parsers": [f"{DRF}.parsers.JSONParser"],
    "pagination": {"kind": "page", "overridden": []},
    "model": {"label": "shop.Post", "table": "posts"},
    "serializer": {"model": "shop.Post", "fields": [{"name": "title", "kind": "CharField"}], "overridden": []},
}
POST = {"method": "POST", "action": "create", "pagination": None}
TABLE = TableFacts(
    name="posts", model="shop.Post", columns={}, overrides=("save",), receivers=("post_save shop.signals.mail",)
)


def endpoint(**changes: Any) -> DjangoEndpoint:
    return DjangoEndpoint.model_validate(PLAIN | changes)


def found(tables: dict[str, TableFacts] | None = None, **changes: Any) -> list[tuple[str, str]]:
    return [(each.code, each.what) for each in endpoint_hazards(endpoint(**changes), tables or {})]


def test_a_plain_viewset_has_none() -> None:
    assert found() == []
    assert found(**POST) == []


@pytest.mark.parametrize(
    ("changes", "hazard"),
    [
        ({"authenticators": ["shop.auth.ApiKey"]}, ("authenticator", "shop.auth.ApiKey")),
        (
            {"authenticators": [f"{DRF}.authentication.SessionAuthentication"]},
            ("session", f"{DRF}.authentication.SessionAuthentication"),
        ),
        (
            {"permissions": [f"({DRF}.permissions.IsAdminUser | ~shop.permissions.IsOwner)"]},
            ("permission", f"({DRF}.permissions.IsAdminUser | ~shop.permissions.IsOwner)"),
        ),
        ({"permissions": []}, ("open", "no permission class: anybody may call it")),
        (
            {"overridden": ["get_permissions"]},
            ("permission", "shop.views.PostViewSet.get_permissions, read without a request"),
        ),
        ({"throttles": ["shop.Slow"]}, ("throttle", "shop.Slow")),
        ({"action": "recent"}, ("handler", "shop.views.PostViewSet.recent")),
        ({"overridden": ["list", "create"]}, ("handler", "shop.views.PostViewSet.list")),
        (POST | {"overridden": ["perform_create"]}, ("handler", "shop.views.PostViewSet.perform_create")),
        (
            {"method": "PATCH", "action": "partial_update", "pagination": None, "overridden": ["update"]},
            ("handler", "shop.views.PostViewSet.update"),
        ),
        ({"overridden": ["get_queryset"]}, ("queryset", "shop.views.PostViewSet.get_queryset")),
        ({"renderers": ["shop.Csv"]}, ("renderer", "shop.Csv")),
        (POST | {"parsers": ["shop.Xml"]}, ("parser", "shop.Xml")),
        (POST | {"parsers": [f"{DRF}.parsers.FileUploadParser"]}, ("upload", f"{DRF}.parsers.FileUploadParser")),
        ({"versioning": "shop.ByHeader"}, ("versioning", "shop.ByHeader")),
        ({"pagination": {"kind": "custom"}}, ("pagination", "custom: a class of its own")),
        ({"filters": {"backends": ["shop.Mine"]}}, ("filter", "shop.Mine")),
        (
            {"filters": {"filterset": {"parameters": [{"name": "near", "kind": "F", "method": "by_distance"}]}}},
            ("filter", "near by by_distance"),
        ),
        ({"unread": [{"what": "model", "reason": "KeyError: 1"}]}, ("unread", "model (KeyError: 1)")),
        ({"kind": "django", "view": "shop.views.page"}, ("django-view", "shop.views.page")),
        ({"path": "/api/files/{name}.json"}, ("path", "/api/files/{name}.json")),
    ],
)
def test_each_hazard_is_named(changes: dict[str, Any], hazard: tuple[str, str]) -> None:
    assert found(**changes) == [hazard]


def test_fields_count_for_reads_and_for_writes_by_themselves() -> None:
    serializer = {
        "overridden": ["to_representation", "validate_title"],
        "fields": [
            {"name": "words", "kind": "SerializerMethodField", "method": "get_words"},
            {"name": "picture", "kind": "ImageField"},
            {"name": "author", "kind": "AuthorSerializer", "serializer": {"fields": []}},
            {"name": "city", "kind": "CharField", "source": "address.city", "read_only": True},
        ],
    }
    both = {("serializer", "to_representation"), ("method-field", "words by get_words")}
    assert set(found(serializer=serializer)) == both | {("file-address", "picture")}
    assert set(found(**POST, serializer=serializer)) == both | {
        ("serializer", "validate_title"),
        ("upload", "picture"),
        ("nested-write", "author, which DRF refuses with 500"),
    }
    assert found(method="DELETE", action="destroy", pagination=None, serializer=serializer) == []


def test_signals_and_overridden_methods_concern_writes_only() -> None:
    tables = {"shop.Post": TABLE}
    assert found(tables) == []
    assert found(tables, **POST) == [("signal", "post_save shop.signals.mail"), ("model-method", "shop.Post.save")]


def test_signals_of_links_concern_the_bodies_that_write_them() -> None:
    relation = {"table": "shop.post_tags", "source_column": "post_id", "target_column": "tag_id", "target": "tags"}
    post = TableFacts(name="posts", model="shop.Post", columns={}, many_to_many={"tags": relation})
    called = ("m2m_changed shop.signals.tagged", "post_save shop.signals.all")
    links = TableFacts(name="post_tags", schema_name="shop", model="shop.Post_tags", columns={}, receivers=called)
    tables = {"shop.Post": post, "shop.Post_tags": links}
    tags = {"name": "labels", "kind": "ManyRelatedField", "source": "tags"}
    written = {"serializer": PLAIN["serializer"] | {"fields": [tags]}}
    read = {"serializer": PLAIN["serializer"] | {"fields": [tags | {"read_only": True}]}}
    assert found(tables, **POST, **written) == [("signal", "m2m_changed shop.signals.tagged")]
    assert found(tables, **POST, **read) == found(tables, **written) == []
    assert found(tables, **POST | {"method": "DELETE", "action": "destroy"}, **written) == []


def inventory() -> Inventory:
    endpoints = [
        endpoint(**POST),
        endpoint(path="/api/token/", method="POST", action=None, view="rest_framework_simplejwt.views.TokenView"),
        endpoint(action="recent", path="/api/posts/recent/"),
        endpoint(),
        endpoint(path="/other/"),
        endpoint(path="/api/v2/posts/"),
    ]
    api = DjangoApi(format=1, endpoints=tuple(endpoints), django="5.2", rest_framework="3.16")
    prefixes = Prefixes(v1="/api", v2="/api/v2", django="/api", fastapi="")
    return take_inventory(api, Contract(format=2, tables={}), None, prefixes=prefixes, sign_in=())


def test_the_order_is_by_effort_and_reads_come_first() -> None:
    listed = inventory()
    assert [(entry.endpoint.method, entry.endpoint.path, entry.effort) for entry in listed.entries] == [
        ("GET", "/api/posts/", Effort.SCAFFOLD),
        ("POST", "/api/posts/", Effort.SCAFFOLD),
        ("POST", "/api/token/", Effort.SCAFFOLD),
        ("GET", "/api/posts/recent/", Effort.REWRITE),
    ]
    assert listed.as_json()["efforts"] == {"scaffold": 3, "port": 0, "rewrite": 1, "stay": 0}


def test_the_effort_is_what_the_scaffold_leaves() -> None:
    """A hazard that the scaffold writes is no work; one that is better left with Django stays that."""
    one = endpoint(**POST)
    route = Route(name="posts.create", methods=("POST",), path="/posts/", stage=Stage.LEGACY)
    signal, stays = Hazard("signal", Effort.PORT, "shop.signals.mail"), Hazard("path", Effort.STAY, "/posts/")

    def effort(*hazards: Hazard, **left: list[str]) -> Effort:
        written = WrittenEndpoint(one, route, **left)
        return InventoryEntry(endpoint=one, route=route.name, hazards=hazards, written=written).effort

    assert effort(signal) is Effort.SCAFFOLD
    assert effort(functions=["its save is your own"]) is effort(limits=["?q is your own"]) is Effort.PORT
    assert effort(signal, gaps=["its handler is your own"]) is Effort.REWRITE
    assert effort(signal, stays) is Effort.STAY
    assert InventoryEntry(endpoint=one, route=None, hazards=(signal,)).effort is Effort.PORT


def test_what_many_endpoints_lack_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """One function, such as an authenticator, may be all that stands in the way of a hundred."""
    one = endpoint(**POST)
    route = Route(name="posts.create", methods=("POST",), path="/posts/", stage=Stage.LEGACY)
    lacking = (["authenticator shop.Key", "Post.save is your own"], ["authenticator shop.Key"], [])
    written = [WrittenEndpoint(one, route, functions=list(each)) for each in lacking]
    entries = [InventoryEntry(endpoint=one, route=route.name, hazards=(), written=each) for each in written]
    listed = Inventory(entries=tuple(entries), hazards=(), versions={})
    assert listed.gaps == [("authenticator shop.Key", 2), ("Post.save is your own", 1)]
    assert listed.as_json()["gaps"][0] == {"what": "authenticator shop.Key", "endpoints": 2}
    _show(listed)
    shown = capsys.readouterr().out
    assert "what several endpoints lack, each to be written once:\n     2  authenticator shop.Key\n" in shown
    assert "save is your own" not in shown


def test_the_page_escapes_what_a_project_is_called() -> None:
    page = inventory().as_html(name="<b>shop</b>")
    assert "&lt;b&gt;shop" in page
    assert "shop.views.PostViewSet.recent" in page


def test_the_projects_own_parts_are_found() -> None:
    settings = {
        "middleware": ["django.middleware.cache.UpdateCacheMiddleware", "shop.middleware.Tenant", "corsheaders.x.Cors"],
        "installed_apps": ["django.contrib.admin", "simple_history", "channels_redis", "channels"],
        "databases": ["default", "replica"],
        "exception_handler": "shop.errors.handler",
    }
    api = DjangoApi.model_validate({"format": 1, "endpoints": [], "settings": settings})
    tables = {"child": TableFacts(name="child", model="shop.Child", columns={}, parents=("posts",))}
    assert sorted(each.code for each in project_hazards(api, tables)) == [
        *("admin", "cached-answers", "databases", "error-shape", "history", "inheritance", "middleware", "websockets"),
    ]


def test_what_developers_look_at_requests_with_is_turned_off() -> None:
    settings = {"middleware": ["debug_toolbar.middleware.DebugToolbarMiddleware", "shop.middleware.Tenant"]}
    api = DjangoApi.model_validate({"format": 1, "endpoints": [], "settings": settings})
    found = [each.what for each in project_hazards(api, {}) if each.code == "middleware"]
    assert found == [
        f"{settings['middleware'][0]}: turn it off before you compare, it adds headers to answers",
        "shop.middleware.Tenant",
    ]


def test_every_hazard_has_its_section_in_the_documents() -> None:
    source = (ROOT / "strangler" / "adoption" / "hazards.py").read_text()
    codes = set(re.findall(r'Hazard\("([a-z-]+)"', source)) | {code for code, _why in hazards._APPS.values()}
    codes |= set(re.findall(r'code = "([a-z-]+)"', source)) | set(
        re.findall(r'"([a-z-]+)" if .* else "[a-z-]+"', source)
    )
    sections = set(re.findall(r"^### (.+)$", (ROOT / "docs" / "hazards.md").read_text(), re.MULTILINE))
    assert codes - sections == set()
    assert sections - codes - {"authenticator", "parser", "file-address"} == set()
