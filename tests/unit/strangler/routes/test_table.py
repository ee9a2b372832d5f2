"""The routes file: what it says is what the table holds."""

import datetime as dt
import os
from pathlib import Path

import pytest

from strangler.deployment.leaving import paths_lost
from strangler.errors import UsageError
from strangler.routes.route import Fixed, RequestLimit, Route, Stack, Stage
from tests.example import ROOT, load_routes, parse_routes

WHOLE = """\
[throttles.token]
rate = "10r/s"
burst = 4

[[route]]
name = "a.list"
methods = ["GET"]
path = "/a/{id}/b-c/"
stage = "parallel"
throttle = "token"

[[route]]
name = "b.list"
methods = ["GET"]
path = "/b/"
stage = "canary"
percent = 12.5
shadow = 5
fallback = true
deprecated = 2026-12-01
sunset = 2027-06-01

[[route]]
name = "root.list"
methods = ["GET", "POST"]
path = "/"
stage = "migrated"
streaming = true

[[fixed]]
name = "django.admin"
path = "/static/app.v1.css"
stack = "django"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "routes.toml"


def refusal(file: Path) -> str:
    """The whole sentence behind the file's name, which is always its beginning."""
    with pytest.raises(UsageError) as caught:
        load_routes(file)
    sentence = str(caught.value)
    assert sentence.startswith(str(file))
    return sentence.removeprefix(str(file))


def test_a_whole_file(file: Path) -> None:
    file.write_text(WHOLE)
    table = load_routes(file)
    assert table.throttles == (RequestLimit(name="token", rate="10r/s", burst=4),)
    assert table.routes == (
        Route(name="a.list", methods=("GET",), path="/a/{id}/b-c/", stage=Stage.PARALLEL, throttle="token"),
        Route(
            name="b.list",
            methods=("GET",),
            path="/b/",
            stage=Stage.CANARY,
            percent=12.5,
            shadow=5,
            fallback=True,
            deprecated=dt.date(2026, 12, 1),
            sunset=dt.date(2027, 6, 1),
        ),
        Route(name="root.list", methods=("GET", "POST"), path="/", stage=Stage.MIGRATED, streaming=True),
    )
    assert table.fixed == (Fixed(name="django.admin", path="/static/app.v1.css", stack=Stack.DJANGO),)
    assert table == parse_routes(WHOLE, source="routes.toml")


def test_entries_know_their_lines() -> None:
    table = parse_routes(WHOLE, source="routes.toml")
    assert [entry.line for entry in (*table.routes, *table.fixed)] == [5, 12, 23, 30]


TAKEN_OVER = """
[[route]]
name = "a.list"
methods = ["GET"]
path = "/a/"
stage = "migrated"

[[fixed]]
name = "django.admin"
path = "/admin/"
stack = "django"
cutover = "fastapi"
feature = "admin"

[[fixed]]
name = "django.static"
path = "/static/"
stack = "django"
"""


def test_a_fixed_path_that_fastapi_takes_over_when_django_goes() -> None:
    table = parse_routes(TAKEN_OVER, source="routes.toml")
    assert (table.moved_writes, paths_lost(table)) == (set(), "not there without Django: django.static /static/")
    assert table.unused_features == {"admin"}
    alone = table.without_django
    assert [(entry.path, entry.stack) for entry in alone.fixed] == [("/admin/", Stack.FASTAPI)]
    assert (alone.moved_writes, alone.unused_features) == ({"admin"}, set())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('cutover = "django"', 'write "fastapi", or leave it out where nobody takes the path over'),
        ("cutover = true", 'write "fastapi", or leave it out where nobody takes the path over'),
        ('feature = "The admin"', 'name a feature of FastAPI\'s consumer file, such as "admin"'),
    ],
)
def test_what_takes_a_path_over_is_checked(line: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_routes(TAKEN_OVER.replace('cutover = "fastapi"\nfeature = "admin"', line), source="routes.toml")
    assert sentence in str(refused.value)


def test_the_deployed_file_names_every_endpoint() -> None:
    table = load_routes(ROOT / "nginx" / "routes.toml")
    assert len(table.routes) == 28
    assert {resource.path for resource in table.resources} >= {"/feed/", "/posts/{id}/publish/", "/users/me/"}
    assert [route.name for route in table.routes if route.streaming] == ["events.stream"]


def test_a_file_that_is_not_there(file: Path) -> None:
    assert refusal(file) == " can't be read (No such file or directory): name the routes file in strangler.toml."


def test_a_folder_or_a_pipe_is_no_routes_file(file: Path) -> None:
    sentence = " is no regular file: name the routes file in strangler.toml."
    os.mkfifo(file)
    assert refusal(file) == sentence
    assert refusal(file.parent) == sentence


def test_a_file_that_this_user_may_not_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    file.touch()
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(file) == " can't be read (no permission): let this user read it."


def test_a_name_that_no_file_can_have() -> None:
    said = refusal(Path("a\0b"))
    # What is between the brackets is Python's own, and another with each version.
    assert said.startswith(" can't be read (")
    assert said.endswith("): name the routes file in strangler.toml.")


def test_bytes_that_are_no_text_are_refused_with_their_line(file: Path) -> None:
    file.write_bytes(WHOLE.encode().replace(b"a.list", b"a.l\xefst"))
    assert refusal(file) == ", line 6: the byte 0xef is no UTF-8: save the file as UTF-8."


def test_other_encodings_are_refused(file: Path) -> None:
    file.write_bytes(WHOLE.encode("utf-16"))
    assert refusal(file) == ", line 1: the file is UTF-16: save it as UTF-8."
    file.write_bytes(WHOLE.encode("utf-8-sig"))
    assert refusal(file) == ", line 1: the file begins with a byte order mark: save it as UTF-8 without one."


def test_a_huge_file_is_not_even_parsed(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(5 * 1024**3)
    assert refusal(file) == " is larger than 4 MiB: name a file that a person wrote."


def test_a_file_below_the_working_folder_is_called_by_its_short_name(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    file.touch()
    with pytest.raises(UsageError, match=r"^routes\.toml: there is no \[\[route\]\]"):
        load_routes(file)
