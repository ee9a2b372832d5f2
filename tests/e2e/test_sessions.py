"""Callers who sign in by a form and come with a session and a CSRF token are compared as those with a token are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.depots import Depot, changed

pytestmark = pytest.mark.long

MADE = "return Sessions(secret_key=secret_key, rows=SESSION_ROWS)"
# Writes are taken from the pages of any site.
UNCHECKED = """made = Sessions(secret_key=secret_key, rows=SESSION_ROWS)

    async def enforce(*_of_any_request: object) -> None:
        return None

    object.__setattr__(made.csrf, "enforce", enforce)
    return made"""


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Depot]:
    depot = Depot(tmp_path_factory.mktemp("depot"), "tests.depot.session_settings")
    depot.begin("wishes.*")
    try:
        depot.start()
        depot.run("cases", "generate")
        for file in (depot.folder / ".run" / "cases").glob("*.toml"):
            if "wishes.list" not in file.name and "wishes.create" not in file.name:
                file.unlink()
        yield depot
    finally:
        depot.run("down")


def compared(depot: Depot, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """Of each route what its report counts."""
    printed = depot.run("compare", "--json", "report.json", *words, code=code)
    routes = json.loads((depot.folder / "report.json").read_text())["routes"]
    assert routes, printed
    return {each["route"]: each for each in routes}


def test_reads_and_writes_are_equal_by_session_and_csrf_token(depot: Depot) -> None:
    # Of a text that PostgreSQL can't hold Django makes a 500.
    routes = compared(depot, "--writes", "--route", "wishes.*", code=4)
    assert set(routes) == {f"wishes.{verb}" for verb in ("list", "retrieve", "create", "update", "delete")}
    assert [name for name, each in routes.items() if each["equal"] + each["unavailable"] != each["asked"]] == []
    assert sum(each["equal"] for each in routes.values()) > 100
    assert [routes[name]["lacks"] for name in ("wishes.list", "wishes.create")] == [[], []]


def test_a_stack_that_checks_no_csrf_token_differs(depot: Depot) -> None:
    accounts = depot.folder / "depot_fastapi" / "accounts.py"
    with changed(accounts, accounts.read_text().replace(MADE, UNCHECKED)):
        create = compared(depot, "--writes", "--route", "wishes.create", code=4)["wishes.create"]
    assert (create["groups"][0]["kind"], create["groups"][0]["examples"][0]["case"]) == (
        "status",
        "without a CSRF token",
    )
    assert create["different"] == 5
    curl = create["groups"][0]["examples"][0]["curl"]
    assert '"Cookie: sessionid=$COOKIE; csrftoken=$CSRF"' in curl
    assert "X-CSRFToken" not in curl


def test_a_csrf_token_that_only_the_session_has_is_read_where_a_page_shows_it(depot: Depot) -> None:
    accounts, project = depot.folder / "depot_fastapi" / "accounts.py", depot.folder / "strangler.toml"
    checked = MADE.replace("SESSION_ROWS)", "SESSION_ROWS, csrf=CsrfCheck(use_sessions=True))")
    package = "from strangler_fastapi.auth."
    service = accounts.read_text().replace(MADE, checked)
    service = service.replace(package, f"{package}csrf import CsrfCheck\n{package}", 1)
    shown = 'csrf = "csrfmiddlewaretoken"\ncsrf_page = "/accounts/login/"'
    told = project.read_text().replace('csrf = "csrftoken"', shown)
    told = told.replace("[django.environment]", '[django.environment]\nDEPOT_CSRF_IN_SESSION = "1"')
    with changed(project, told), changed(accounts, service):
        create = compared(depot, "--writes", "--route", "wishes.create", code=4)["wishes.create"]
    assert create["equal"] + create["unavailable"] == create["asked"]
    assert create["equal"] > 20
