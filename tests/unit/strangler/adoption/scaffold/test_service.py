"""The files of a service, beside those that are there."""

import os
import tomllib
from pathlib import Path

import pytest

from strangler.adoption.scaffold.case_file import case_file_text
from strangler.adoption.scaffold.service import feature_name
from strangler.errors import UsageError
from strangler.routes.route import Route, Stage
from tests.unit.strangler.adoption.scaffold.harbour import (
    CREATE,
    LIST,
    NAME,
    ROW,
    SERIALIZER,
    SHOWN,
    THROTTLE,
    feature,
    project,
    service,
    text_of,
    texts_of,
)


def test_the_application_allows_the_origins_that_django_does() -> None:
    cors = {"allowed_origins": ["https://shop.example"], "allow_credentials": True, "expose_headers": []}
    made = 'cors=Cors(allow_credentials=True, allowed_origins=("https://shop.example",)),'
    for regex, expected in (("^.*$", True), (r"^/api/.*$", True), (r"^/other/.*$", False)):
        main = texts_of(LIST, cors=cors | {"urls_regex": regex})[1]["main.py"]
        assert (made in main) is expected
        assert ("import Cors" in main) is expected
    assert "Cors" not in texts_of(LIST)[1]["main.py"]


def test_the_application_has_djangos_middleware_in_its_order_and_its_headers() -> None:
    security, common = "django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"
    main = texts_of(
        LIST,
        middleware=[common, "harbour.middleware.Own", "harbour.middleware.Secure"],
        standard_middleware=[common, "harbour.middleware.Own", security],
        security={"referrer_policy": None, "x_frame_options": "DENY", "hsts_seconds": 60},
        append_slash=False,
        non_field_errors_key="errors",
    )[1]["main.py"]
    assert f'middleware=("{common}", "{security}"),' in main
    assert "security=SecurityHeaders(referrer_policy=None, hsts_seconds=60),\n        append_slash=False,\n" in main
    assert '        non_field_errors_key="errors",\n' in main
    assert "import SecurityHeaders" in main
    # An older export has one list, or none.
    assert f'middleware=("{common}",),' in texts_of(LIST, middleware=[common])[1]["main.py"]
    assert not {"middleware=", "SecurityHeaders"} & set(texts_of(LIST)[1]["main.py"].split())


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


def test_a_row_is_made_read_and_deleted_by_the_key_that_it_answers_with(tmp_path: Path) -> None:
    shown = SHOWN | {"fields": [NAME | {"name": "id", "kind": "IntegerField", "read_only": True}]}
    read, deleted = LIST | ROW | {"action": "retrieve"}, LIST | ROW | {"method": "DELETE", "action": "destroy"}
    made = feature(CREATE | {"serializer": SERIALIZER | {"answers": shown}}, read, deleted)
    cases = tomllib.loads(case_file_text(made, project(tmp_path)))["case"]
    assert [{*each} & {"get", "post", "delete"} for each in cases] == [{"post"}, {"get"}, {"delete"}]
    assert cases[0]["save"] == {"row": "$.id"}
    # Nobody knows which row it was.
    assert case_file_text(feature(CREATE, read), project(tmp_path)) == ""


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


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        *(("boats", "boats"), ("my-boats", "my_boats"), ("accounts", "accounts_"), ("models", "models_")),
        *(("list", "list_"), ("import", "import_"), ("2fa", "api_2fa"), ("{pk}", "root")),
    ],
)
def test_a_feature_has_a_name_that_python_takes_and_no_module_of_the_service_has(segment: str, name: str) -> None:
    route = Route(name="x.list", methods=("GET",), path=f"/{segment}/", stage=Stage.LEGACY)
    assert feature_name(route) == name


def test_a_view_hides_no_builtin_that_its_endpoints_need() -> None:
    path = {"path": "/api/boats/list/"}
    text = text_of(feature(LIST | path), "router.py")
    assert "list_ = View(" in text
    assert "@list_.get(many=list" in text
