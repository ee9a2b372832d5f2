"""Without Django and back, by the commands that people run: writes on each side, no row lost, old tokens go on."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.checkouts import ENVIRONMENT, Checkout
from tests.example import ROOT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("make up")]

CASES = """
[[case]]
as = ["alice"]
post = "/posts/"
json = { title = "recorded", content = "text", tags = ["zeta"] }
save = { post = "$.id" }

[[case]]
as = ["alice", "bob"]
get = "/posts/{post}/"

[[case]]
get = "/feed/?page_size=2"
"""
SECONDS = 400


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler e2e ") as folder:
        checkout = Checkout(Path(folder))
        (checkout.path / "cases").mkdir()
        (checkout.path / "cases" / "posts.toml").write_text(CASES)
        yield checkout
        run(checkout, "down")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment of what is locked for FastAPI and the tool: Django is not installed there."""
    folder = tmp_path_factory.mktemp("bare")
    python, uv = str(folder / "bin" / "python"), (sys.executable, "-m", "uv")
    locked = [word for name in ("fastapi", "strangler", "native") for word in ("-r", f"requirements/{name}.txt")]
    for command in (
        (*uv, "venv", "--quiet", "--python", sys.executable, str(folder)),
        (*uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", *locked),
    ):
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - of this environment
    return python


def run(checkout: Checkout, *words: str, code: int = 0, python: str = sys.executable) -> str:
    done = subprocess.run(  # noqa: S603 - the tool itself
        [python, "-m", "strangler.cli", *words],
        cwd=checkout.path,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


class Client:
    """alice, who signed in once, by Django."""

    def __init__(self, checkout: Checkout) -> None:
        self._urls = {
            name: f"http://127.0.0.1:{checkout.ports[f'{name}_PORT']}" for name in ("PROXY", "DJANGO", "FASTAPI")
        }
        self.tokens: dict[str, str] = {}

    def asked(
        self, method: str, path: str, *, at: str = "PROXY", status: int = 200, body: Any = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['access']}"} if self.tokens else {}
        answer = httpx.request(method, self._urls[at] + path, headers=headers, json=body, timeout=60)
        assert answer.status_code == status, answer.text
        return answer

    def sign_in(self, *, at: str) -> None:
        body = {"username": "alice", "password": "strangler-demo"}
        self.tokens = self.asked("POST", "/api/auth/token/", at=at, body=body).json()

    def write(self, title: str, path: str, *, at: str = "PROXY") -> int:
        body = {"title": title, "content": "text", "tags": ["there", "back"]}
        number: int = self.asked("POST", path, at=at, status=201, body=body).json()["id"]
        return number


def the_admin_works(checkout: Checkout, post: int) -> None:
    """At its old path, for Django's staff: FastAPI writes by its own role, and Django's log has it."""
    url = f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"
    with httpx.Client(base_url=url, timeout=60) as browser:

        def sent(path: str, **fields: str) -> httpx.Response:
            return browser.post(path, data={"csrftoken": browser.cookies["starlette_admin_csrftoken"], **fields})

        assert browser.get("/admin").headers["location"] == "/admin/"
        assert browser.get("/admin/login/").headers["X-Served-By"] == "fastapi"
        assert sent("/admin/login/", username="alice", password="strangler-demo").status_code == 400
        assert sent("/admin/login/", username="admin", password="strangler-demo").status_code == 303
        assert "by FastAPI" in browser.get("/admin/posts/list").text
        page = f"/admin/posts/edit?pk={post}"
        forged = browser.post(page, data={"csrftoken": "forged", "title": "no"}, headers={"Origin": url})
        assert forged.status_code == 403
        fields = {"title": "by the admin", "content": "text", "author": "2"}
        foreign = browser.post(page, data=fields, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert sent(page, **fields).status_code == 303
        assert "by the admin" in browser.get("/admin/django_admin_log/list").text
        assert "by the admin" in browser.get("/admin/posts/list").text


def admin_rights(checkout: Checkout) -> tuple[bool, bool]:
    """Whether FastAPI's role may read the texts of the admin's log, and Django's groups."""
    address = psutil.Process(checkout.running().services["worker"].pid).environ()["DATABASE_URL"]
    log = "has_column_privilege('strangler_fastapi', 'django_admin_log', 'object_repr', 'SELECT')"
    groups = "has_any_column_privilege('strangler_fastapi', 'auth_group', 'SELECT')"
    with psycopg.connect(address) as connection:
        (found,) = connection.execute(f"SELECT {log}, {groups}").fetchall()
    return found


def test_there_and_back_again(checkout: Checkout, bare: str) -> None:
    refused = run(checkout, "up", "--stack", "fastapi", code=3)
    assert "27 routes are not migrated yet: auth.token, auth.refresh" in refused
    missing = run(checkout, "up", "--stack", "fastapi", "--force", code=2)
    assert "start it with Django once" in missing
    routes = checkout.path / "nginx" / "routes.toml"
    routes.write_text(re.sub(r'stage = "(legacy|parallel)"', 'stage = "migrated"', routes.read_text()))

    run(checkout, "up", "--detach")
    client = Client(checkout)
    client.sign_in(at="DJANGO")
    written = [client.write("by Django", "/api/posts/", at="DJANGO")]
    assert admin_rights(checkout) == (False, False)
    run(checkout, "record", "--cases", "cases")

    def run_bare(*words: str, code: int = 0) -> str:
        return run(checkout, *words, code=code, python=bare)

    no_django = [bare, "-c", "import importlib.util as u; raise SystemExit(u.find_spec('django') is not None)"]
    subprocess.run(no_django, check=True)  # noqa: S603 - of the fixture
    away = run_bare("up", "--stack", "fastapi", "--detach")
    assert "the stack runs with both services; it is started anew" in away
    services = checkout.running().services
    assert list(services) == ["postgres", "fastapi", "worker", "nginx"]
    assert psutil.Process(services["fastapi"].pid).cmdline()[0] == bare
    with pytest.raises(httpx.ConnectError):
        client.asked("GET", "/api/health/", at="DJANGO")
    assert "equal: 4 cases" in run_bare("compare", "--cases", "cases", "--recorded", "recorded.json")
    # The token that Django gave, and the one that renews it.
    assert client.asked("GET", "/api/users/me/").json()["username"] == "alice"
    renewed = client.asked("POST", "/api/auth/token/refresh/", body={"refresh": client.tokens["refresh"]}).json()
    client.tokens["access"] = renewed["access"]
    written += [client.write("by FastAPI", path) for path in ("/api/posts/", "/api/v2/posts/")]
    for path in ("/api/feed/", "/api/v2/feed/"):
        answer = client.asked("GET", path)
        assert answer.headers["X-Served-By"] == "fastapi"
        assert f"{path}?page=2" in answer.json()["next"]
    assert run_bare("manage", "user-stats", "--limit", "1").startswith("username\tposts\tpublished\tdrafts\nalice\t")
    assert run_bare("manage", "flush-expired-tokens") == "Deleted 0 expired tokens.\n"
    assert "there already" in run_bare("manage", "seed", "--demo")
    assert admin_rights(checkout) == (True, True)
    the_admin_works(checkout, written[-1])
    assert "no Django was started" in run_bare("status")
    assert "FastAPI answers both APIs without Django" in run_bare("check")
    for move in (("switch", "tags.list", "--to", "parallel"), ("drill", "tags.list")):
        assert "runs without Django, so no route moves" in run_bare(*move, "--yes", code=2)

    back = run(checkout, "up", "--detach")
    assert "the stack runs without Django; it is started anew" in back
    assert "django" in checkout.running().services
    assert admin_rights(checkout) == (False, False)
    written.append(client.write("by Django again", "/api/posts/", at="DJANGO"))
    lists = [
        client.asked("GET", f"{prefix}/posts/?page_size=100&view=minimal", at=at).json()["results"]
        for at, prefix in (("DJANGO", "/api"), ("FASTAPI", "/api/v2"))
    ]
    assert lists[0] == lists[1]
    assert [post["id"] for post in lists[0]][: len(written)] == written[::-1]
