"""What `strangler init` finds by itself: how Django is called, the API's prefixes, sign-in, health, OpenAPI."""

import sys
from pathlib import Path
from typing import Any

import pytest

from strangler.adoption.detection import ADMIN_FORM, SignInGuess, detection_of, find_manage
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.project_file import Answers, project_text
from strangler.errors import FailedError, UsageError
from strangler.project import project_parse
from strangler.sections import SignInSection

JWT = "rest_framework_simplejwt.views.TokenObtainPairView"


def endpoint(path: str, method: str = "GET", view: str = "shop.views.View", **facts: Any) -> dict[str, Any]:
    return {"path": path, "method": method, "kind": "view", "view": view, **facts}


def api(*endpoints: dict[str, Any]) -> DjangoApi:
    return DjangoApi.model_validate({"format": 1, "endpoints": endpoints})


def sign_in_written(guess: SignInGuess | None, *, v1: str = "/api", v2: str = "/api/v2") -> SignInSection:
    """The section of a project file that the guess is written into, as it is read again."""
    given = Answers(
        name="shop",
        v1=v1,
        v2=v2,
        django="http://127.0.0.1:8000",
        fastapi="http://127.0.0.1:9000",
        manage=("python", "manage.py"),
        health="/up",
        openapi="",
        sign_in=guess,
    )
    written = project_parse(project_text(given), file=Path("/srv/strangler.toml")).sign_in
    assert written
    return written


@pytest.mark.parametrize(
    ("paths", "v1", "v2"),
    [
        (["/api/posts/", "/api/users/{id}/"], "/api", "/api/v2"),
        (["/api/v1/posts/", "/api/v1/users/"], "/api/v1", "/api/v2"),
        (["/api/v2/posts/", "/api/v2/users/"], "/api/v2", "/api/v3"),
        (["/posts/", "/users/"], "/", "/v2"),
        (["/api/posts/", "/login/"], "/", "/v2"),
        (["/api/posts/", "/api/posts/{id}/"], "/api", "/api/v2"),
        (["/shop/rest/posts/", "/shop/rest/"], "/shop", "/shop/v2"),
        ([*(f"/api/v1/{name}/" for name in "abcdefgh"), "/health/", "/hook/"], "/api/v1", "/api/v2"),
        ([*(f"/api/v1/{name}/" for name in "abcdefg"), "/health/", "/hook/", "/"], "/", "/v2"),
        (["/api/posts/", "/api/tags/", "/api/v2/posts/"], "/api", "/api/v3"),
        (["/{tenant}/posts/", "/{tenant}/tags/"], "/", "/v2"),
        ([*(f"/v1/projects/{name}/" for name in "abcdefgh"), "/v1/me/"], "/v1", "/v2"),
        ([f"/v1/projects/{name}/" for name in "ab"], "/v1/projects", "/v1/projects/v2"),
    ],
)
def test_prefixes_are_what_all_paths_share(paths: list[str], v1: str, v2: str) -> None:
    found = detection_of(("python", "manage.py"), api(*map(endpoint, paths)))
    assert (found.v1, found.v2) == (v1, v2)


def test_documents_and_health_are_found_and_are_no_part_of_the_prefix() -> None:
    found = detection_of(
        ("python", "manage.py"),
        api(
            endpoint("/schema/", view="drf_spectacular.views.SpectacularAPIView"),
            endpoint("/api/posts/"),
            endpoint("/api/health/{kind}/"),
            endpoint("/healthz", "ANY", kind="django"),
        ),
    )
    assert (found.v1, found.openapi, found.health) == ("/api", "/schema/", "/healthz")


@pytest.mark.parametrize(
    ("facts", "guess"),
    [
        ({"view": JWT}, SignInGuess(path="/token/", user="username", token="access", scheme="Bearer")),
        ({"bases": [JWT]}, SignInGuess(path="/token/", user="username", token="access", scheme="Bearer")),
        (
            {
                "view": "rest_framework.authtoken.views.ObtainAuthToken",
                "serializer": {"fields": [{"name": "email", "kind": "F"}, {"name": "password", "kind": "F"}]},
            },
            SignInGuess(path="/token/", user="email", token="token", scheme="Token"),
        ),
        ({}, None),
        ({"view": JWT, "method": "GET"}, None),
    ],
)
def test_views_that_sign_in_are_known(facts: dict[str, Any], guess: SignInGuess | None) -> None:
    found = detection_of(
        ("python", "manage.py"), api(endpoint("/api/posts/"), endpoint("/api/token/", **{"method": "POST", **facts}))
    )
    assert found.sign_in == guess


@pytest.mark.parametrize(
    ("fields", "user"), [((), "email"), (("username", "email", "password"), "email"), (("login", "password"), "login")]
)
def test_who_signs_in_is_named_by_the_field_of_the_user_model(fields: tuple[str, ...], user: str) -> None:
    view = {"view": "dj_rest_auth.views.LoginView", "method": "POST"}
    serializer = {"fields": [{"name": name, "kind": "CharField"} for name in fields]}
    found = DjangoApi.model_validate(
        {
            "format": 1,
            "settings": {"username_field": "email"},
            "endpoints": [endpoint("/api/posts/"), endpoint("/api/in/", **view, serializer=serializer)],
        }
    )
    guess = detection_of(("python", "manage.py"), found).sign_in
    assert guess == SignInGuess(path="/in/", user=user, token="key", scheme="Token")


@pytest.mark.parametrize(
    ("cookie", "guess"),
    [
        (None, SignInGuess(path="/in/", user="username", token="key", scheme="Token")),
        ({"name": ""}, SignInGuess(path="/in/", user="username", token="access", scheme="Bearer")),
        (
            {"name": "jwt", "csrf": True},
            SignInGuess(
                path="/in/", user="username", scheme="Bearer", cookie="jwt", csrf="csrftoken", csrf_header="X-CSRFTOKEN"
            ),
        ),
    ],
)
def test_a_sign_in_of_dj_rest_auth_gives_a_token_or_a_cookie(cookie: dict[str, Any] | None, guess: SignInGuess) -> None:
    document = {
        "format": 1,
        "endpoints": [
            endpoint("/api/posts/"),
            endpoint("/api/in/", view="shop.In", method="POST", bases=["dj_rest_auth.views.LoginView"]),
        ],
        "settings": {"token_cookie": cookie},
    }
    found = detection_of(("python", "manage.py"), DjangoApi.model_validate(document)).sign_in
    assert found == guess
    written = sign_in_written(found)
    kept = (written.path, written.token, written.scheme, written.cookie, written.csrf, written.form)
    assert kept == ("/in/", guess.token, guess.scheme, guess.cookie, guess.csrf, False)
    assert written.claim == ("user_id" if cookie else "")


def test_an_api_without_endpoints_is_refused() -> None:
    with pytest.raises(FailedError, match="no endpoint of Django REST framework was found"):
        detection_of(("python", "manage.py"), api(endpoint("/page/", "ANY", kind="django")))


def test_manage_is_found_here_or_one_folder_below_with_the_projects_own_python(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no manage\.py here: name the project's own with --manage"):
        find_manage(tmp_path)
    for folder in ("backend", "node_modules", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "manage.py").touch()
    assert find_manage(tmp_path) == ("python", "backend/manage.py")
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    assert find_manage(tmp_path) == (".venv/bin/python", "backend/manage.py")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manage.py").touch()
    with pytest.raises(UsageError, match=r"several manage\.py \(backend/manage\.py, other/manage\.py\)"):
        find_manage(tmp_path)
    (tmp_path / "manage.py").touch()
    assert find_manage(tmp_path) == (".venv/bin/python", "manage.py")


@pytest.mark.parametrize("sign_in", [None, SignInGuess(path="/in/", user="e-mail", token="key", scheme="JWT")])
@pytest.mark.parametrize("openapi", ["", "/schema/"])
def test_the_file_is_a_project_file(sign_in: SignInGuess | None, openapi: str, tmp_path: Path) -> None:
    answers = Answers(
        name="my-shop",
        v1="/",
        v2="/v2",
        django="http://127.0.0.1:8000",
        fastapi="http://127.0.0.1:9000",
        manage=("python", "a b/manage.py", '--settings="x"'),
        health="/up",
        openapi=openapi,
        sign_in=sign_in,
    )
    project = project_parse(project_text(answers), file=tmp_path / "strangler.toml")
    assert project.django.manage == ("python", "a b/manage.py", '--settings="x"')
    assert (project.django.openapi, project.database.fastapi_role) == (openapi, "my_shop_fastapi")
    assert (project.sign_in is None) is (sign_in is None)
    if project.sign_in:
        assert project.sign_in.body == {"e-mail": "{user}", "password": "{password}"}


SESSION = "rest_framework.authentication.SessionAuthentication"


def test_a_sign_in_beside_the_api_is_of_the_host() -> None:
    paths = ("/api/v1/posts/", "/api/v1/tags/", "/api/v1/users/", "/api/v1/wares/", "/api/v1/boats/")
    token = endpoint("/api/token/", method="POST", view=JWT)
    found = detection_of(("python", "manage.py"), api(*map(endpoint, paths), token))
    assert found.v1 == "/api/v1"
    assert found.sign_in == SignInGuess(
        path="/api/token/", outside=True, user="username", token="access", scheme="Bearer"
    )
    written = sign_in_written(found.sign_in, v1=found.v1, v2=found.v2)
    assert (written.path, written.outside) == ("/api/token/", True)


def test_where_callers_have_sessions_the_form_that_begins_them_is_found() -> None:
    document = {
        "format": 1,
        "endpoints": [endpoint("/api/posts/", authenticators=[SESSION])],
        "login_forms": [{"path": "/in/", "view": "django.contrib.auth.views.LoginView"}],
        "settings": {"sessions": {"cookie_name": "sid", "csrf_header_name": "HTTP_X_XSRF"}},
    }
    found = detection_of(("python", "manage.py"), DjangoApi.model_validate(document))
    assert found.authenticators == ("SessionAuthentication",)
    assert found.sign_in == SignInGuess(
        path="/in/", user="username", cookie="sid", csrf="csrftoken", csrf_header="X-XSRF"
    )
    written = sign_in_written(found.sign_in)
    assert (written.path, written.outside, written.form, written.token, written.claim) == ("/in/", True, True, "", "")
    assert (written.cookie, written.csrf, written.csrf_header) == ("sid", "csrftoken", "X-XSRF")
    assert written.csrf_page is None
    document["settings"]["sessions"]["csrf_use_sessions"] = True  # type: ignore[index] # a dictionary of several kinds
    guess = detection_of(("python", "manage.py"), DjangoApi.model_validate(document)).sign_in
    kept = sign_in_written(guess)
    assert (kept.csrf, kept.csrf_page, kept.csrf_header) == ("csrfmiddlewaretoken", "/in/", "X-XSRF")
    document["endpoints"] = [endpoint("/api/posts/", authenticators=["shop.Own"])]
    assert detection_of(("python", "manage.py"), DjangoApi.model_validate(document)).sign_in is None


def test_the_admins_form_is_what_is_left_for_sessions_and_for_health() -> None:
    admin = {"path": "/back/login/", "view": ADMIN_FORM}
    document = {
        "format": 1,
        "endpoints": [endpoint("/api/posts/", authenticators=[SESSION])],
        "login_forms": [admin, {"path": "/in/", "view": "django.contrib.auth.views.LoginView"}],
    }
    both = detection_of(("python", "manage.py"), DjangoApi.model_validate(document))
    assert both.sign_in
    assert (both.sign_in.path, both.health) == ("/in/", "/back/login/")
    alone = detection_of(("python", "manage.py"), DjangoApi.model_validate({**document, "login_forms": [admin]}))
    assert alone.sign_in
    assert alone.sign_in.path == "/back/login/"
    document["endpoints"] = [endpoint("/api/posts/"), endpoint("/api/ping/")]
    assert detection_of(("python", "manage.py"), DjangoApi.model_validate(document)).health == "/api/ping/"


def test_a_sign_in_without_a_password_is_none_that_the_tool_uses() -> None:
    view = {"view": "shop.Okta", "bases": ["dj_rest_auth.views.LoginView"], "authenticators": []}
    fields = [{"name": name, "kind": "CharField"} for name in ("access_token", "code")]
    social = endpoint("/api/okta/", "POST", **view, serializer={"path": "shop.OktaSerializer", "fields": fields})
    fields = [{"name": name, "kind": "CharField"} for name in ("username", "password")]
    login = endpoint("/api/login/", "POST", **view, serializer={"path": "shop.LoginSerializer", "fields": fields})
    found = detection_of(("python", "manage.py"), api(endpoint("/api/posts/"), social, login))
    assert found.sign_in is not None
    assert found.sign_in.path == "/login/"
    assert detection_of(("python", "manage.py"), api(endpoint("/api/posts/"), social)).sign_in is None


@pytest.mark.parametrize(
    ("permissions", "is_open"),
    [
        ([], True),
        (["rest_framework.permissions.AllowAny"], True),
        (["rest_framework.permissions.IsAuthenticatedOrReadOnly"], True),
        (None, True),
        (["rest_framework.permissions.IsAuthenticated"], False),
        (["rest_framework.permissions.AllowAny", "shop.permissions.IsStaff"], False),
    ],
)
def test_a_document_for_callers_who_sign_in_is_none_that_the_tool_reads(permissions: Any, is_open: bool) -> None:
    view = "drf_spectacular.views.SpectacularAPIView"
    found = detection_of(
        ("python", "manage.py"), api(endpoint("/api/posts/"), endpoint("/schema/", view=view, permissions=permissions))
    )
    assert (found.openapi, found.closed_openapi) == (("/schema/", "") if is_open else ("", "/schema/"))


@pytest.mark.parametrize(
    ("view", "openapi"),
    [
        ("drf_yasg.views.get_schema_view.<locals>.SchemaView", "/schema/?format=openapi"),
        ("rest_framework.schemas.views.SchemaView", "/schema/?format=openapi-json"),
        ("drf_spectacular.views.SpectacularJSONAPIView", "/schema/"),
    ],
)
def test_each_kind_of_document_is_asked_for_in_json(view: str, openapi: str) -> None:
    found = detection_of(("python", "manage.py"), api(endpoint("/api/posts/"), endpoint("/schema/", view=view)))
    assert found.openapi == openapi
