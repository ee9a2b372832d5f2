"""A project without FastAPI gets its FastAPI side written, and it answers as Django does, with no line edited."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.depots import SECRET, Depot, changed
from tests.example import ROOT

pytestmark = pytest.mark.long

PAPERS = """
from tests.depot.stock.models import Paper

for paper in Paper.objects.values_list("title", "scan", "cover", "width", "height"):
    print(*paper)
"""
# A service that keeps more than it was sent.
STORED_TWICE = """
from strangler_fastapi.drf.fields.storage import FileSystemStorage

_save = FileSystemStorage.save


def _save_twice(self, name, content, max_length=None):
    kept = _save(self, name, content, max_length)
    (self._location / f"{kept}.copy").write_bytes(b"")
    return kept


FileSystemStorage.save = _save_twice
"""
# FastAPI first: whoever is second finds the name of a file taken.
PREFIXES = {"FASTAPI_PORT": "/api/v2", "DJANGO_PORT": "/api"}
# All but two of what one address may ask in an hour.
COUNTED = """
from django.utils import timezone
from strangler_django.throttling.models import ThrottleHistory

now = timezone.now()
ThrottleHistory.objects.create(
    cache_key="throttle_labels_10.9.8.7", history=[now] * 4998, expires=now + timezone.timedelta(hours=1)
)
"""


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Depot]:
    depot = Depot(tmp_path_factory.mktemp("depot"))
    printed = depot.begin()
    assert "34 endpoints: 32 whole, 2 with gaps." in printed, printed
    assert "gap labels.priced            field total: computed by get_total" in printed
    try:
        depot.start()
        yield depot
    finally:
        depot.run("down")


def test_the_code_is_as_this_repository_wants_it(depot: Depot) -> None:
    ruff = ("-m", "ruff")
    rules = ("--config", str(ROOT / "pyproject.toml"), "depot_fastapi", "tests")
    for words in (("check", *rules), ("format", "--check", *rules)):
        done = depot.python(*ruff, *words)
        assert done.returncode == 0, done.stdout
    tested = depot.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert tested.returncode == 0, tested.stdout


def test_every_readable_endpoint_answers_as_django_does(depot: Depot) -> None:
    depot.run("cases", "generate")
    thin(depot.folder / ".run" / "cases")
    compared = depot.run("compare", "--writes", "--route", "items.*", "--route", "wishes.*", "--json", "report.json")
    routes = {each["route"]: each for each in json.loads((depot.folder / "report.json").read_text())["routes"]}
    verbs = ("list", "retrieve", "create", "update", "delete")
    assert set(routes) == {f"{name}.{verb}" for name in ("items", "wishes") for verb in verbs}, compared
    assert [name for name, each in routes.items() if each["equal"] != each["asked"]] == []
    assert sum(each["equal"] for each in routes.values()) > 50


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 200), ({"If-None-Match": "*"}, 304), ({"If-Match": '"another"'}, 412)]
)
def test_an_answer_has_the_headers_that_djangos_order_of_middleware_gives_it(
    depot: Depot, headers: dict[str, str], status: int
) -> None:
    found = []
    for port, prefix in PREFIXES.items():
        url = f"http://127.0.0.1:{depot.ports[port]}{prefix}/labels/"
        answer = httpx.get(url, headers=headers, trust_env=False)
        assert answer.status_code == status
        # Of the connection, and of links.
        own = {"date", "server", "connection", "transfer-encoding", "content-length", "etag"}
        found.append({name: value for name, value in answer.headers.items() if name not in own})
    assert found[0] == found[1]
    assert ("content-language" in found[0], "referrer-policy" in found[0]) == (status == 200, True)


def test_a_file_is_kept_by_either_stack_in_the_same_folder(depot: Depot) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (7, 5)).save(picture, "PNG")
    brought = {"title": "whole", "scan": ("a b.txt", b"0123456789" * 150_000), "cover": ("c.png", picture.getvalue())}
    calls: list[tuple[str, dict[str, Any], int]] = [
        ("POST", brought, 201),
        ("PATCH", {"scan": ("b.pdf", b"another")}, 200),
        ("PATCH", {"cover": ("c.png", b"no image")}, 400),
        ("PUT", {"title": "put", "scan": ("a.exe", b"1")}, 400),
        ("PUT", {"title": "put", "scan": ("b.pdf", b"")}, 400),
    ]
    # FastAPI's role may write what one of its routes writes.
    depot.run("switch", "papers.create", "papers.update", "--to", "parallel", "--yes")
    keys: dict[str, str] = {}
    for method, values, status in calls:
        answers = []
        for port, prefix in PREFIXES.items():
            url = f"http://127.0.0.1:{depot.ports[port]}{prefix}/papers/{keys.get(port, '')}"
            files = {name: value for name, value in values.items() if isinstance(value, tuple)}
            data = {name: value for name, value in values.items() if name not in files}
            answer = httpx.request(method, url, files=files, data=data, trust_env=False)
            found = answer.json()
            if answer.status_code == 201:
                keys[port] = f"{found['id']}/"
            found.pop("id", None)
            answers.append((answer.status_code, plain(json.dumps(found).replace(depot.ports[port], "PORT"))))
        assert answers[0] == answers[1]
        assert answers[0][0] == status, answers
    printed = depot.run("manage", "shell", "--command", PAPERS).splitlines()
    rows = [plain(line) for line in printed if "scans/" in line]
    assert rows[0] == rows[1]
    assert rows[0].endswith("7 5")
    media = depot.folder / "media"
    kept = sorted((plain(file.name), file.read_bytes()) for file in media.rglob("*.*"))
    assert len(kept) == 6
    assert kept[::2] == kept[1::2]
    depot.run("rollback", "--yes")


PAPER_CASES = """
[[case]]
name = "brought"
as = "ann"
post = "/papers/"
multipart = { title = "whole", scan = { filename = "kept.txt", content = "one" } }
save = { paper = "$.id" }

[[case]]
name = "by a name that is taken"
as = "ann"
post = "/papers/"
multipart = { title = "whole", scan = { filename = "kept.txt", content = "two" } }

[[case]]
name = "of another content"
as = "ann"
patch = "/papers/{paper}/"
multipart = { scan = { filename = "b.pdf", content = "three" } }

[[case]]
as = "ann"
delete = "/papers/{paper}/"
"""


def test_files_of_a_comparison_are_each_sides_own_and_compared(depot: Depot) -> None:
    cases = depot.folder / "paper-cases"
    cases.mkdir()
    (cases / "papers.toml").write_text(PAPER_CASES)
    media, words = depot.folder / "media", ("compare", "--writes", "--cases", "paper-cases")
    before = {file: file.stat().st_mtime_ns for file in media.rglob("*")}
    assert "equal: 4 cases of 3 routes" in depot.run(*words)
    storage = depot.folder / "depot_fastapi" / "models.py"
    with changed(storage, storage.read_text() + STORED_TWICE):
        found = depot.run(*words, code=1)
    assert "papers.create: rows at files, in 2 answers" in found, found
    assert {file: file.stat().st_mtime_ns for file in media.rglob("*")} == before
    project = depot.folder / "strangler.toml"
    told = project.read_text()
    project.write_text(told.replace('files = { MEDIA_ROOT = "media" }', ""))
    refused = depot.run(*words, code=3)
    assert f"uploads of both sides would go to {media}: name the variable of their folder" in refused
    project.write_text(told.replace('own = { CACHE_DIR = "{folder}" }', ""))
    assert "both sides would share the cache default" in depot.run(*words, code=3)
    project.write_text(told)


def plain(text: str) -> str:
    """The text without the random letters in the names of files."""
    return re.sub(r"_[A-Za-z0-9]{7}(?=\.)", "", text)


def test_a_version_is_looked_for_where_django_looks(depot: Depot) -> None:
    for version, status in (("v2", 200), ("v9", 404)):
        ours, theirs = depot.ask(f"/places/?version={version}"), depot.ask_django(f"/places/?version={version}")
        assert (ours.status_code, theirs.status_code) == (status, status)
    assert ours.json() == theirs.json() == {"detail": "Ungültige Version im Anfrageparameter."}


def test_a_key_of_either_stack_opens_the_other(depot: Depot) -> None:
    body = {"username": "ann", "password": SECRET}
    # FastAPI's role may write what one of its routes writes.
    depot.run("switch", "key.*", "--to", "parallel", "--yes")
    urls = [f"http://127.0.0.1:{depot.ports[port]}{prefix}" for port, prefix in PREFIXES.items()]
    ours, theirs = (httpx.post(f"{url}/key/", data=body, trust_env=False) for url in urls)
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content) == (200, ours.content)
    for ask in (depot.ask, depot.ask_django):
        assert ask("/wishes/").status_code == 401
        assert ask("/wishes/", Authorization=f"Token {ours.json()['token']}").status_code == 200
    depot.run("rollback", "--yes")


def test_requests_are_counted_by_both_stacks_together(depot: Depot) -> None:
    caller = {"X-Forwarded-For": "10.9.8.7"}
    depot.run("manage", "shell", "--command", COUNTED)
    for ask in (depot.ask, depot.ask_django):
        assert ask("/labels/", **caller).status_code == 200
    refused, theirs = depot.ask("/labels/", **caller), depot.ask_django("/labels/", **caller)
    assert refused.status_code == theirs.status_code == 429
    assert refused.json()["detail"].startswith("Die Anfrage wurde gedrosselt. Erwarte Verfügbarkeit in ")
    waits = [int(answer.headers["retry-after"]) for answer in (refused, theirs)]
    assert 0 <= waits[0] - waits[1] <= 2
    assert depot.ask("/labels/").status_code == 200


def test_a_gap_is_closed_to_everybody_listed_and_refused(depot: Depot) -> None:
    answer = depot.ask("/labels/1/priced/")
    assert answer.status_code == 501
    assert answer.json()["detail"].startswith("Not ported from Django yet: "), answer.text
    # Its permission is read, and refuses whoever isn't signed in before.
    assert depot.ask("/labels/unused/", "DELETE").status_code == 401
    checked = depot.run("check")
    assert "labels.priced isn't ported whole, fastapi answers 501: PricedLabelSerializer, field total" in checked
    assert "labels.unused isn't ported whole, fastapi answers 501: handler LabelViewSet.unused is your own" in checked
    refused = depot.run("switch", "labels.priced", "--to", "parallel", "--yes", code=3)
    assert "fastapi answers labels.priced with 501" in refused
    depot.run("switch", "labels.list", "--to", "parallel", "--yes")
    depot.run("rollback", "--yes")


def test_what_is_there_is_left_alone(depot: Depot) -> None:
    router = depot.folder / "depot_fastapi" / "places" / "router.py"
    models = depot.folder / "depot_fastapi" / "models.py"
    edited = router.read_text() + "\n# by hand\n"
    router.write_text(edited)
    before = models.read_text()
    models.write_text(before.replace("    capacity: Mapped[int]\n", ""))
    printed = depot.run("scaffold", "places.*")
    assert "! depot_fastapi/places/router.py is left alone" in printed
    assert "-# by hand" in printed
    assert router.read_text() == edited
    # A column that code needs is added where it lacks.
    assert sorted(models.read_text().splitlines()) == sorted(before.splitlines())
    assert "+ " not in [line[:2] for line in printed.splitlines()]


# As a value of TOML, and as JSON in a body.
UNSTORABLE = ('details = "\\u', r"\"details\": \"\\u")


def thin(folder: Path) -> None:
    """Keeps an eleventh of the cases and one that deletes.

    Those of JSON that PostgreSQL can't hold are left out: Django fails on them.
    """
    for file in folder.glob("*.toml"):
        head, *cases = file.read_text().split("\n[[case]]")
        deleting = [case for case in cases if "\ndelete = " in case][:1]
        chosen = dict.fromkeys([*cases[::11], *deleting])
        kept = [case for case in chosen if not any(each in case for each in UNSTORABLE)]
        file.write_text("\n[[case]]".join([head, *kept]))
        if not {"items", "wishes"} & {*file.name.replace("-", ".").split(".")}:
            file.unlink()
