"""A project that was never seen: from its checkout to a route that moved, before services that run already."""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from strangler.local.ports import port_free_pick
from strangler.local.state import StateFolder
from tests.bad_servers import http, raw_server
from tests.checkouts import tool_run
from tests.example import ROOT

pytestmark = pytest.mark.long

MANAGE = f"{sys.executable} {ROOT / 'tests' / 'second_project' / 'manage.py'}"
SHOWN = (ROOT / "docs" / "adopting.md").read_text(encoding="utf-8")


def named(stack: str) -> Callable[[bytes], Iterable[bytes]]:
    """A service that says its name, and on which path it was asked."""

    def answer(head: bytes) -> Iterable[bytes]:
        path = head.split(b" ", 2)[1]
        return [http(b'{"stack":"%b","path":"%b"}' % (stack.encode(), path))]

    return answer


class Adopted:
    """A folder with nothing but what `strangler` writes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = port_free_pick()

    def run(self, *words: str, code: int = 0, **environment: str) -> str:
        return tool_run(self.folder, *words, code=code, PROXY_PORT=str(self.port), COLUMNS="120", **environment)

    def ask(self, path: str, method: str = "GET") -> tuple[str, str]:
        answer = httpx.request(method, f"http://127.0.0.1:{self.port}{path}", trust_env=False, timeout=10)
        assert answer.headers["X-Served-By"] == answer.json()["stack"]
        return answer.json()["stack"], answer.json()["path"]


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adopted]:
    folder = tmp_path_factory.mktemp("adopted")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # nginx's workers have an account of their own
    made = Adopted(folder)
    with raw_server(named("django")) as django, raw_server(named("fastapi")) as fastapi:
        printed = made.run("init", "--manage", MANAGE, "--name", "shop", "--django", django, "--fastapi", fastapi)
        assert shown("strangler init") == re.sub(r"(manage +).*", r"\1python manage.py", printed)
        try:
            assert shown("strangler gateway up --detach") in made.run("gateway", "up", "--detach")
            yield made
            assert made.run("gateway", "down") == "ended\n"
        finally:
            made.run("down")


def shown(command: str) -> str:
    """What docs/adopting.md shows below a command."""
    return SHOWN.partition(f"$ {command}\n")[2].partition("```")[0].partition("$ ")[0]


def test_the_inventory_is_as_the_document_shows_it(adopted: Adopted) -> None:
    lines = [line.rstrip() for line in adopted.run("inventory").splitlines()]
    assert "\n".join(lines) + "\n" == shown("strangler inventory")


def test_only_nginx_and_the_shadow_are_started(adopted: Adopted) -> None:
    services = [line.split()[0] for line in adopted.run("gateway", "status").splitlines() if " ready " in line]
    assert services == ["shadow", "nginx"]
    assert not (adopted.folder / ".run" / "postgres").exists()
    assert adopted.run("up", "--detach").startswith("the stack already runs")
    assert "nginx    |" in adopted.run("gateway", "logs")


def test_a_gateway_starts_no_service_that_the_project_file_could_start(adopted: Adopted, tmp_path: Path) -> None:
    for each in (tmp_path, *tmp_path.parents[:3]):
        each.chmod(0o755)
    alone, text = Adopted(tmp_path), (adopted.folder / "strangler.toml").read_text()
    django = re.search(r'^address = "http://[^"]*:([0-9]+)"$', text, re.MULTILINE)
    assert django is not None
    started = text.replace(django[0], 'command = ["{python}", "-c", "raise SystemExit(1)"]', 1)
    (tmp_path / "strangler.toml").write_text(started)
    shutil.copytree(adopted.folder / "nginx", tmp_path / "nginx")
    try:
        alone.run("gateway", "up", "--detach", DJANGO_PORT=django[1])
        assert alone.ask("/products/") == ("django", "/products/")
        state = StateFolder(tmp_path / ".run").read()
        assert state is not None
        assert set(state.services) == {"shadow", "nginx"}
    finally:
        alone.run("gateway", "down")


def test_everything_is_djangos_until_a_route_moves(adopted: Adopted) -> None:
    assert adopted.ask("/products/") == ("django", "/products/")
    assert adopted.ask("/v2/products/") == ("django", "/products/")
    assert adopted.ask("/nowhere") == ("django", "/nowhere")
    moved = adopted.run("switch", "products.list", "--to", "parallel", "--yes")
    assert moved.startswith(shown("strangler switch products.list --to parallel --yes"))
    assert adopted.ask("/v2/products/") == ("fastapi", "/v2/products/")
    assert adopted.ask("/products/") == ("django", "/products/")
    refused = adopted.run("switch", "products.list", "--to", "migrated", "--yes", code=3)
    assert "products.list" in refused
    adopted.run("rollback", "--yes")
    assert adopted.ask("/v2/products/") == ("django", "/products/")


def test_a_write_moves_without_grants_in_a_database_that_is_not_ours(adopted: Adopted) -> None:
    adopted.run("switch", "products.create", "--to", "parallel", "--yes")
    assert adopted.ask("/v2/products/", "POST") == ("fastapi", "/v2/products/")
    adopted.run("rollback", "--yes")


def test_the_fastapi_side_is_written_as_the_document_shows_it(adopted: Adopted) -> None:
    printed = adopted.run("scaffold", "products.*")
    assert printed.startswith(shown("strangler scaffold 'products.*'")), printed
    assert 'command = ["{python}", "-m", "shop_fastapi"]' in printed
    code = (adopted.folder / "shop_fastapi" / "products" / "serializers.py").read_text()
    assert SHOWN.partition("```python\n")[2].partition("```")[0] in code


def test_a_sync_adds_what_was_removed_by_hand(adopted: Adopted) -> None:
    assert adopted.run("routes", "sync") == shown("strangler routes sync")
    file = adopted.folder / "nginx" / "routes.toml"
    before = file.read_text()
    first, second = before.split('\n[[route]]\nname = "me.retrieve"')
    file.write_text(first + "\n[[route]]" + second.split("\n[[route]]", 1)[1])
    assert "+ me.retrieve" in adopted.run("routes", "sync")
    assert sorted(file.read_text()) == sorted(before)
