"""What the scaffold writes of the views of a feature."""

from pathlib import Path
from typing import Any

import pytest

from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.service import ServiceScaffold
from strangler.routes.route import Route, Stage
from tests.unit.strangler.adoption.scaffold.harbour import (
    CONTRACT,
    CREATE,
    LIST,
    NAME,
    PERMISSIONS,
    ROW,
    SERIALIZER,
    SHOWN,
    VERSIONS,
    feature,
    project,
    text_of,
    texts_of,
)


def test_a_plain_list_is_written_whole() -> None:
    made = feature(LIST, CREATE)
    assert [each.gaps for each in made.endpoints] == [[], []]
    serializers, router = text_of(made, "serializers.py"), text_of(made, "router.py")
    assert 'BOAT_SERIALIZER = Serializer("Boat", model_fields(Boat, "name"))' in serializers
    assert 'actions=("list", "create")' in serializers
    assert "permission=AllowAny," in router
    assert "@boats.get(many=list, query=BOATS.query)\nasync def boats_list(" in router
    assert "@boats.post(status=201)\nasync def boats_create(" in router


@pytest.mark.parametrize(("name", "constant"), [("boats", "BOATS"), ("sos", "BOAT"), ("email", "BOAT")])
def test_no_resource_bears_the_name_of_a_class_or_of_what_it_imports(name: str, constant: str) -> None:
    raft = CONTRACT.tables["raft"].model_copy(update={"model": "harbour.SOS"})
    contract = CONTRACT.model_copy(update={"tables": {**CONTRACT.tables, "raft": raft}})
    facts = LIST["serializer"] | {"path": f"harbour.{name.upper()}Serializer", "model": "harbour.SOS", "table": "raft"}
    shown = LIST | {"path": f"/api/{name}/", "model": {"label": "harbour.SOS", "table": "raft"}, "serializer": facts}
    api = DjangoApi.model_validate({"format": 1, "endpoints": [shown]})
    chosen = [(api.endpoints[0], Route(name=f"{name}.list", methods=("GET",), path=f"/{name}/", stage=Stage.LEGACY))]
    made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", chosen, api=api, contract=contract).features[0]
    assert f"\n{constant} = Resource(SOS, " in text_of(made, "serializers.py")


def test_a_row_that_django_can_not_add_is_a_gap() -> None:
    raft = {"model": {"label": "harbour.Raft", "table": "raft"}}
    logs = {"name": "logs", "kind": "IntegerField", "source": "logs", "required": True, "changed": {}}
    serializer = SERIALIZER | {"model": "harbour.Raft", "table": "raft"}
    made = feature(LIST | raft | {"serializer": serializer}, CREATE | raft | {"serializer": serializer})
    assert [each.gaps for each in made.endpoints] == [[], ["column logs gets no value, so Django fails with 500"]]
    made = feature(CREATE | raft | {"serializer": serializer | {"fields": [NAME, logs]}})
    assert made.endpoints[0].gaps == []
    # What saves the row may give it one.
    made = feature(CREATE | raft | {"serializer": serializer | {"overridden": ["create"]}})
    assert made.endpoints[0].gaps == []
    assert 'perform_create=boats_create, performed={"create": ("logs",)}' in " ".join(
        text_of(made, "serializers.py").split()
    )


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


def test_what_stands_for_the_end_of_a_row_is_a_function_to_fill_in() -> None:
    made = feature(LIST | ROW | {"method": "DELETE", "action": "destroy", "overridden": ["perform_destroy"]})
    assert made.endpoints[0].gaps == []
    gap = f"{LIST['view'].rpartition('.')[2]}.perform_destroy is your own"
    assert gap in made.endpoints[0].functions
    assert "perform_destroy=boats_destroy" in " ".join(text_of(made, "serializers.py").split())
    assert f'@unported("{gap}")\nasync def boats_destroy(' in text_of(made, "service.py")
    assert '@boat.delete(gaps=BOATS.unported("destroy"))' in text_of(made, "router.py")


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


def test_the_root_of_a_router_lists_its_paths() -> None:
    root = LIST | {"action": None, "serializer": None, "root": [["zebras", "/api/zebras/"], ["boats", "/api/boats/"]]}
    made = feature(root)
    assert made.endpoints[0].gaps == []
    router = text_of(made, "router.py")
    assert '_PATHS = {"zebras": "/zebras/", "boats": "/boats/"}\n' in router
    assert "return JsonResponse(addresses(request, " in router
    assert feature(root | {"root": [["up", "/up/"]]}).endpoints[0].gaps != []


def test_a_variable_of_a_path_has_the_pattern_of_django() -> None:
    for pattern, written in (("[0-9]+", '    patterns={"pk": "[0-9]+"},\n'), (r"\d{2}", r'{"pk": "\\d{2}"}')):
        parameters = [{"name": "pk", "kind": "int", "pattern": pattern}]
        assert written in text_of(feature(LIST | ROW | {"parameters": parameters}), "router.py")
    for pattern in ("[^/.]+", "[^/]+", "(?P<a>x)"):
        parameters = [{"name": "pk", "kind": "regex", "pattern": pattern}]
        assert "patterns" not in text_of(feature(LIST | ROW | {"parameters": parameters}), "router.py")


def test_options_of_a_serializer_that_is_not_read_is_a_gap() -> None:
    unread = {"serializer": None, "unread": [{"what": "serializer", "reason": "KeyError: 'create'"}]}
    for given, is_described in ((unread, True), ({"serializer": None}, False), ({"overridden": ["create"]}, True)):
        text = text_of(feature(LIST, CREATE | given), "router.py")
        assert ("describes=True" in text) is is_described


def test_a_path_with_an_optional_slash_is_answered_without_it() -> None:
    assert "    optional_slash=True,\n" in text_of(feature(LIST | {"optional_slash": True}), "router.py")
    assert "optional_slash" not in text_of(feature(LIST), "router.py")


def test_the_rows_of_an_endpoint_are_those_of_its_own_queryset() -> None:
    delete = LIST | {"method": "DELETE", "action": "destroy", "serializer": None, "path": "/api/boats/{pk}/"}
    mine = {"queryset": {"ordering": ["name"], "where": [["is", "id", "gt", 1]]}}
    made = feature(LIST, CREATE, delete | mine)
    resources = [made.resources.resource_of(each) for each in made.endpoints]
    assert resources[0] is resources[1] is not resources[2]
    assert ["where" in each.lists.arguments for each in resources if each] == [False, False, True]


def test_the_root_of_a_router_stands_beside_lists() -> None:
    root = LIST | {"path": "/api/", "action": None, "root": [["boats", "/api/boats/"]], "serializer": None}
    assert not feature(root | {"queryset": None}, LIST).endpoints[0].gaps
    assert "addresses(request" in text_of(feature(root, LIST), "router.py")


def test_a_row_is_added_beside_a_list_that_can_not_be_read() -> None:
    unread = {"model": None, "queryset": None, "unread": [{"what": "model", "reason": "AttributeError: user"}]}
    made = feature(LIST | unread, CREATE)
    assert [bool(each.gaps) for each in made.endpoints] == [True, False]
    assert "async def boats_create" in text_of(made, "router.py")


def test_routes_whose_names_differ_by_a_dot_alone_have_two_functions() -> None:
    one, other = LIST | {"path": "/api/boats/at_sea/"}, LIST | {"path": "/api/boats/at/sea/"}
    api = DjangoApi.model_validate({"format": 1, "endpoints": [one, other]})
    routes = [
        Route(name=name, methods=("GET",), path=each["path"].removeprefix("/api"), stage=Stage.LEGACY)
        for name, each in (("boats.at_sea", one), ("boats.at.sea", other))
    ]
    chosen = list(zip(api.endpoints, routes, strict=True))
    made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", chosen, api=api, contract=CONTRACT).features[0]
    router = text_of(made, "router.py")
    assert router.count("async def boats_at_sea(") == router.count("async def boats_at_sea_by_get(") == 1


def test_options_describe_what_django_does() -> None:
    made = feature(LIST, CREATE | {"described": SHOWN})
    assert "    serializer=BOAT_SERIALIZER,\n    described=SHOWN_SERIALIZER,\n" in text_of(made, "router.py")
    gapped = SHOWN | {"overridden": ["to_representation"]}
    made = feature(CREATE | {"described": gapped})
    assert made.endpoints[0].remarks == [
        "OPTIONS describes another body: serializer Shown: to_representation is your own"
    ]


def test_a_view_without_options_says_so() -> None:
    text = text_of(feature(LIST | {"without": ["HEAD", "OPTIONS"]}), "router.py")
    assert 'without=("HEAD", "OPTIONS")' in " ".join(text.split())


def test_options_and_methods_that_are_not_offered_have_the_rules_that_django_gives_them() -> None:
    """What a path offers is no measure for them: the list may be for staff, and a PUT to it be refused to anybody."""
    unoffered = {
        "OPTIONS": {"permissions": [f"{PERMISSIONS}.AllowAny"]},
        "PUT": {"permissions": [f"{PERMISSIONS}.IsAuthenticated"]},
    }
    own = {"overridden": ["get_permissions"], "constant": ["get_permissions"], "unoffered": unoffered}
    staff = LIST | own | {"permissions": [f"{PERMISSIONS}.IsAdminUser"]}
    router = " ".join(text_of(feature(staff, CREATE | own), "router.py").split())
    assert "permission=ByMethod(AllowAny, GET=IsAdminUser, PUT=IsAuthenticated)" in router
    same = {"unoffered": {"OPTIONS": {"permissions": [f"{PERMISSIONS}.AllowAny"]}}}
    assert "permission=AllowAny," in text_of(feature(LIST | own | same), "router.py")
