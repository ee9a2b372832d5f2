"""The routes file: what it says is what the table holds, and what nginx could not serve is refused in one sentence."""

import re
from pathlib import Path

import pytest

from strangler.errors import UsageError
from strangler.local.settings import ROOT
from strangler.routes.route import Fixed, Route, Stack, Stage, Throttle
from strangler.routes.table import load_routes

THROTTLE = '[throttles.token]\nrate = "10r/s"\nburst = 4\n'


def route(
    name: str = "feed.list", methods: str = '["GET"]', path: str = "/feed/", stage: str = "legacy", more: str = ""
) -> str:
    return f'[[route]]\nname = "{name}"\nmethods = {methods}\npath = "{path}"\nstage = "{stage}"\n{more}\n'


def fixed(name: str = "django.admin", path: str = "/admin/", stack: str = "django") -> str:
    return f'[[fixed]]\nname = "{name}"\npath = "{path}"\nstack = "{stack}"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "routes.toml"


def refusal(file: Path, text: str) -> str:
    """The whole sentence without the file's name, which is always its beginning."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_routes(file)
    sentence = str(caught.value)
    assert sentence.startswith(str(file))
    assert caught.value.exit_code == 2
    return sentence.removeprefix(str(file)).removeprefix(": ")


def test_a_whole_file(file: Path) -> None:
    file.write_text(
        THROTTLE
        + route("a.list", '["GET"]', "/a/{id}/b-c/", "parallel", 'throttle = "token"')
        + route("root.list", '["GET", "POST"]', "/", "migrated", "streaming = true")
        + fixed(path="/static/app.v1.css")
    )
    table = load_routes(file)
    assert table.throttles == (Throttle(name="token", rate="10r/s", burst=4),)
    assert table.routes == (
        Route(name="a.list", methods=("GET",), path="/a/{id}/b-c/", stage=Stage.PARALLEL, throttle="token"),
        Route(name="root.list", methods=("GET", "POST"), path="/", stage=Stage.MIGRATED, streaming=True),
    )
    assert table.fixed == (Fixed(name="django.admin", path="/static/app.v1.css", stack=Stack.DJANGO),)


def test_an_empty_file_is_an_empty_table(file: Path) -> None:
    file.touch()
    assert load_routes(file).routes == ()


def test_the_deployed_file_names_every_endpoint() -> None:
    table = load_routes(ROOT / "nginx" / "routes.toml")
    assert len(table.routes) == 28
    assert {resource.path for resource in table.resources} >= {"/feed/", "/posts/{id}/publish/", "/users/me/"}
    assert [route.name for route in table.routes if route.streaming] == ["events.stream"]


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(
        UsageError, match=r"can't be read \(.*No such file.*\): name the routes file with ROUTES_FILE.$"
    ):
        load_routes(file)


def test_a_file_that_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"can't be read \('utf-8' .*\): name the routes file with ROUTES_FILE.$"):
        load_routes(file)


def test_a_file_that_is_no_toml(file: Path) -> None:
    sentence = refusal(file, "[[route]]\nname = \n")
    assert re.fullmatch(r" is not valid TOML \(Invalid value \(at line 2, column 8\)\): mend that line\.", sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rout = 1", "the file has an unknown key 'rout': use only fixed, route, throttles."),
        ("route = 1", "route is no list of tables: write each entry under [[route]]."),
        ("fixed = [1]", "fixed is no list of tables: write each entry under [[fixed]]."),
        ("throttles = []", "throttles is no table: write each entry under [throttles.NAME]."),
        (
            "throttles.token = 1",
            "throttle 'token' is no table with a plain name: write [throttles.token] with rate and burst.",
        ),
        (
            '[throttles."a b"]',
            "throttle 'a b' is no table with a plain name: write [throttles.a b] with rate and burst.",
        ),
        (
            THROTTLE + "delay = 1",
            "throttle token has an unknown key 'delay': use only burst, rate.",
        ),
        ("[throttles.token]\nburst = 1", "throttle token has rate None: write it as 10r/s or 30r/m."),
        (THROTTLE.replace("10r", "0r"), "throttle token has rate '0r/s': write it as 10r/s or 30r/m."),
        (THROTTLE.replace("10r", "1٢r"), "throttle token has rate '1٢r/s': write it as 10r/s or 30r/m."),
        (THROTTLE.replace("10r", "9999999r"), "throttle token has rate '9999999r/s': write it as 10r/s or 30r/m."),
        (
            THROTTLE.replace("10r/s", "1r/s;\\n"),
            "throttle token has rate '1r/s;\\n': write it as 10r/s or 30r/m.",
        ),
        (THROTTLE.replace("4", "-1"), "throttle token has burst -1: give a whole number from 0 to 100000."),
        (THROTTLE.replace("4", "100001"), "throttle token has burst 100001: give a whole number from 0 to 100000."),
        (THROTTLE.replace("4", "true"), "throttle token has burst True: give a whole number from 0 to 100000."),
        (THROTTLE.replace("4", "1.5"), "throttle token has burst 1.5: give a whole number from 0 to 100000."),
    ],
)
def test_a_file_or_throttle_is_refused(text: str, sentence: str, file: Path) -> None:
    assert refusal(file, text) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[route]]", "a [[route]] has name None: write it as resource.action in small letters."),
        (route(name="Feed"), "a [[route]] has name 'Feed': write it as resource.action in small letters."),
        (
            route(name="a.b\\n"),
            "a [[route]] has name 'a.b\\n': write it as resource.action in small letters.",
        ),
        (
            route(name="a." + "b" * 199),
            "the name a.bbbbbbbbbbbbbbbbbb… has 201 characters: shorten it to 200.",
        ),
        (
            route(more="percent = 5"),
            "feed.list has an unknown key 'percent': use only methods, name, path, stage, streaming, throttle.",
        ),
        (
            route(methods="[]"),
            "feed.list has methods []: list one or more of GET, POST, PUT, PATCH, DELETE.",
        ),
        (
            route(methods='"GET"'),
            "feed.list has methods 'GET': list one or more of GET, POST, PUT, PATCH, DELETE.",
        ),
        (
            route(methods='["GET", "HEAD"]'),
            "feed.list has methods ['GET', 'HEAD']: list one or more of GET, POST, PUT, PATCH, DELETE.",
        ),
        (
            route(stage="moved"),
            "feed.list has stage 'moved': choose one of legacy, parallel, migrated.",
        ),
        (route(more='streaming = "yes"'), "feed.list has streaming 'yes': write true or false."),
        (route(more="throttle = 1"), "feed.list has throttle 1: write a text in quotes."),
        (route(more='throttle = "x"'), "feed.list asks for throttle 'x': define [throttles.x]."),
        (
            route(path="/v2/feed/"),
            "feed.list has path '/v2/feed/': leave out /v2, every route is served below /api and /api/v2.",
        ),
        (
            route(path=f"/{'a' * 199}/"),
            "the path of feed.list has 201 characters: shorten it to 200.",
        ),
    ],
)
def test_a_route_is_refused(text: str, sentence: str, file: Path) -> None:
    assert refusal(file, text) == sentence


@pytest.mark.parametrize(
    "path",
    [
        "",
        "feed/",
        "/feed",
        "//",
        "/a//b/",
        "/a b/",
        "/a/{id}x/",
        "/{ID}/",
        "/{}/",
        "/../",
        "/a/./",
        "/é/",
        "/a;/",
        "/a/\\n",
    ],
)
def test_a_path_that_nginx_could_not_serve_is_refused(path: str, file: Path) -> None:
    shown = path.replace("\\n", "\n")
    assert refusal(file, route(path=path)) == (
        f"feed.list has path {shown!r}: begin and end it with / and write a variable segment as {{id}}."
    )


@pytest.mark.parametrize(
    "path", ["", "/", "admin/", "//", "/a//", "/a b", "/..", "/a/../b", "/a{id}/", '/"', "/" + "a" * 60 + "!"]
)
def test_a_fixed_path_is_refused(path: str, file: Path) -> None:
    text = fixed().replace('"/admin/"', f"'{path}'")
    assert refusal(file, text) == (
        f"django.admin has path {path!r}: begin it with / and use letters, digits and . _ ~ - only."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[fixed]]\nname = 3", "a [[fixed]] has name 3: write it as resource.action in small letters."),
        (fixed() + "stage = 1", "django.admin has an unknown key 'stage': use only name, path, stack."),
        (fixed(stack="rails"), "django.admin has stack 'rails': choose one of django, fastapi."),
        (fixed(path="/" + "a" * 200), "the path of django.admin has 201 characters: shorten it to 200."),
    ],
)
def test_a_fixed_entry_is_refused(text: str, sentence: str, file: Path) -> None:
    assert refusal(file, text) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            route() + fixed(name="feed.list"),
            "feed.list is named 2 times: give every entry a name of its own.",
        ),
        (
            route("a.a", '["GET", "POST"]') + route("a.b", '["POST"]'),
            "2 routes answer POST /feed/: keep one of them.",
        ),
        (
            route("a.a", path="/a/{id}/") + route("a.b", '["PUT"]', path="/a/{pk}/"),
            "/a/{id}/ and /a/{pk}/ differ only in case or in a variable's name: write both alike.",
        ),
        (
            route("a.a", path="/a-b/") + route("a.b", '["PUT"]', path="/A-B/"),
            "/a-b/ and /A-B/ differ only in case or in a variable's name: write both alike.",
        ),
        (
            THROTTLE + route("a.a", more='throttle = "token"') + route("a.b", '["POST"]'),
            "the routes of /feed/ differ in throttle: nginx limits by path, so give all the same.",
        ),
        (
            route("a.a", more="streaming = true") + route("a.b", '["POST"]'),
            "the routes of /feed/ differ in streaming: nginx buffers by path, so give all the same.",
        ),
        (
            route() + fixed(path="/api/feed/"),
            "django.admin and feed.list both claim /api/feed: keep one of them.",
        ),
        (
            route() + fixed(path="/api/v2/feed"),
            "django.admin and feed.list both claim /api/v2/feed: keep one of them.",
        ),
        (
            route(path="/feed/{id}/") + fixed(path="/api/feed/"),
            "django.admin and feed.list both claim /api/feed/: keep one of them.",
        ),
        (
            fixed() + fixed(name="django.other", path="/admin"),
            "django.other and django.admin both claim /admin: keep one of them.",
        ),
        (
            fixed(path="/api/v2/"),
            "django.admin and the gateway itself both claim /api/v2/: keep one of them.",
        ),
    ],
)
def test_entries_that_contradict_each_other_are_refused(text: str, sentence: str, file: Path) -> None:
    assert refusal(file, text) == sentence
