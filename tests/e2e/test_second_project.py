"""A project that has nothing of the example is run, compared and moved by its own project file."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import tomlkit
from psycopg import sql

from strangler.local.ports import port_free_pick
from strangler.local.postgres import DATABASE, OWNER, SUPERUSER
from tests.checkouts import tool_run
from tests.example import ROOT
from tests.gateways import logged
from tests.second_project.export import consumer_text

pytestmark = pytest.mark.long

SOURCE = ROOT / "tests" / "second_project"
PORTS = ("PROXY_PORT", "DJANGO_PORT", "FASTAPI_PORT", "POSTGRES_PORT")
CUSTOMER, SECRET = "ann@example.com", "correct horse"
OPERATIONS = {
    "number": '[rename_column]\ntable = "products"\ncolumn = "sku"\nto = "number"\n',
    "words": """
[split_column]
table = "products"
column = "name"
back = "concat_ws(' ', adjective, noun)"
[split_column.into.adjective]
type = "varchar(100)"
using = "nullif(left(name, -length(substring(name from '[^ ]*$')) - 1), '')"
null = true
[split_column.into.noun]
type = "varchar(100)"
using = "substring(name from '[^ ]*$')"
""",
    "offer": """
[merge_columns]
table = "products"
into = "offer"
type = "text"
using = "stock || ' at ' || price"
[merge_columns.columns]
stock = "split_part(offer, ' at ', 1)::integer"
price = "split_part(offer, ' at ', 2)::numeric"
""",
}


class Shop:
    """The running project, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: str(port_free_pick()) for name in PORTS}
        for name in ("contract.json", "consumer.json", "routes.toml"):
            shutil.copy(SOURCE / name, folder)
        shutil.copytree(SOURCE / "cases", folder / "cases")
        document = tomlkit.parse((SOURCE / "strangler.toml").read_text())
        for stack in ("django", "fastapi"):
            document[stack]["folder"] = str(ROOT)  # type: ignore[index] # a table
        (folder / "strangler.toml").write_text(tomlkit.dumps(document))
        self.front = f"http://127.0.0.1:{self.ports['PROXY_PORT']}"

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        return tool_run(self.folder, *arguments, code=code, **self.ports, **environment)

    def dsn(self, user: str, secret: str, database: str) -> str:
        password = (self.folder / ".run" / "secrets" / secret).read_text()
        return f"postgresql://{user}:{password}@127.0.0.1:{self.ports['POSTGRES_PORT']}/{database}"

    def database(self, name: str) -> str:
        """Another database on the same server; gives the address of its owner."""
        with psycopg.connect(self.dsn(SUPERUSER, "postgres_password", "postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        return self.dsn(OWNER, "owner_password", name)

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """On a connection of its own: one that is kept is answered as before a switch until it is closed."""
        return httpx.request(method, f"{self.front}{path}", trust_env=False, timeout=30, **options)

    def served_by(self, path: str) -> str:
        return self.ask(path).headers["X-Served-By"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # PostgreSQL runs as an account of its own
    shop = Shop(folder)
    try:
        shop.run("up", "--detach")
        code = f"from tests.second_project.catalog.models import *; c = Customer(email={CUSTOMER!r}); "
        code += f"c.set_password({SECRET!r}); c.save(); Product(sku='A-1', name='Ale', price='9.50').save()"
        shop.run("manage", "shell", "--no-imports", "--command", code)
        yield shop
    finally:
        shop.run("down")


def test_both_answer_below_their_own_prefixes(shop: Shop) -> None:
    assert [shop.served_by(path) for path in ("/products/", "/next/products/", "/up")] == [
        "django",
        "fastapi",
        "django",
    ]
    assert shop.ask("/products/").json() == [{"sku": "A-1", "name": "Ale", "price": "9.50", "stock": 0}]


def test_nothing_of_the_example_is_in_its_database(shop: Shop) -> None:
    assert set(contents(shop.dsn(OWNER, "owner_password", DATABASE))) == {
        *("auth_group", "auth_group_permissions", "auth_permission"),
        *("customers", "products", "django_content_type", "django_migrations"),
    }


def test_routes_checks_and_schema_are_its_own(shop: Shop) -> None:
    assert [line.split()[0] for line in shop.run("routes").splitlines()] == [
        *("shop.login", "shop.me", "products.list", "products.create", "products.get"),
    ]
    assert {line.split()[0] for line in shop.run("check").splitlines()} == {"ok"}
    assert shop.run("schema", "check").count("ok  ") == 6
    assert shop.run("grant") == "granted shop_reader what FastAPI reads\n"


def test_a_route_is_proved_moved_and_taken_back(shop: Shop) -> None:
    compared = shop.run("compare", "--cases", "cases", "--login", CUSTOMER, STRANGLER_PASSWORD=SECRET)
    assert "equal: 5 cases of 2 routes" in compared, compared
    shop.run("switch", "products.get", "--to", "canary", "--percent", "50", "--yes", EVIDENCE_EQUAL="1")
    shop.run("switch", "products.get", "--to", "migrated", "--yes", EVIDENCE_EQUAL="1")
    assert shop.served_by("/products/A-1/") == "fastapi"
    shop.run("rollback", "--yes")
    shop.run("rollback", "--yes")
    assert shop.served_by("/products/A-1/") == "django"
    refused = shop.run("switch", "shop.login", "--to", "parallel", "--yes", code=3)
    assert "it touches sign-in (shop.login)" in refused


def test_cases_write_themselves_and_find_that_its_fastapi_reads_no_tokens(shop: Shop) -> None:
    assert "cases of 5 routes in" in shop.run("cases", "generate")
    options = ("--cases", ".run/cases", "--route", "products.*", "--coverage")
    compared = shop.run("compare", *options, code=1, STRANGLER_PASSWORD=SECRET)
    assert "products.list: status at status, in 9 answers\n" in compared, compared
    assert compared.count(f"everybody as {CUSTOMER} (expired)") > 1
    assert f"as {CUSTOMER} (early)" not in compared
    # There is but one customer.
    assert "products.list covered 86 %, never callers: another user" in compared


def test_a_caller_is_known_by_the_claim_of_its_own_token(shop: Shop) -> None:
    answer = shop.ask("/login/", "POST", json={"email": CUSTOMER, "secret": SECRET}).json()
    mine = shop.ask("/me/", headers={"Authorization": f"JWT {answer['data']['jwt']}"}).raise_for_status()
    line = logged(shop.folder / ".run" / "logs" / "nginx.log", mine.headers["X-Request-ID"])
    assert (line["route"], line["caller"]) == ("shop.me", "user:1")


def test_its_traffic_is_counted_and_a_ramp_begins_under_its_own_names(shop: Shop) -> None:
    shop.ask("/products/").raise_for_status()
    assert "traffic  django v1, last 5 min: requests " in shop.run("status")
    metrics = shop.run("metrics")
    assert 'strangler_requests_total{route="products.list",api="v1",stack="django",class="2xx"} ' in metrics
    assert shop.run("ramp", "products.list", "--steps", "50,100", "--hold", "2h", "--dry-run").splitlines() == [
        "products.list  parallel; limits: errors +0.1 points, p95 1.2 times, p99 1.5 times, differences 0",
        "steps 50%, 100%, 7200 s each at least",
    ]
    assert "a ramp begins at stage parallel or canary, not at legacy" in shop.run("ramp", "shop.login", code=2)


def test_its_contract_is_what_its_models_say(shop: Shop) -> None:
    assert shop.run("manage", "export_schema") == (SOURCE / "contract.json").read_text()


def test_its_consumer_file_is_what_its_statements_need() -> None:
    assert (SOURCE / "consumer.json").read_text() == consumer_text()


def test_nothing_is_written_to_a_database_that_up_did_not_make(shop: Shop, tmp_path: Path) -> None:
    theirs = shop.database("theirs")
    other = Shop(tmp_path)
    nobody = other.run("up", "--detach", code=2, DATABASE_URL=theirs)
    assert "no role there is FastAPI's: set FASTAPI_DATABASE_URL in .env, or set prepare = true" in nobody
    reader = {"DATABASE_URL": theirs, "FASTAPI_DATABASE_URL": theirs}
    pending = other.run("up", "--detach", code=2, **reader)
    assert "lacks migrations of the project: run your project's manage.py migrate, or set prepare = true" in pending
    assert contents(theirs) == {}
    other.run("manage", "migrate", **reader)
    before = contents(theirs)
    assert before["products"] == 0
    try:
        other.run("up", "--detach", **reader)
        assert other.served_by("/next/products/") == "fastapi"
    finally:
        other.run("down")
    assert contents(theirs) == before


def test_a_database_that_up_may_prepare_is_migrated_and_has_the_role(shop: Shop, tmp_path: Path) -> None:
    theirs = shop.database("prepared")
    other = Shop(tmp_path)
    file = other.folder / "strangler.toml"
    file.write_text(
        file.read_text().replace('fastapi_role = "shop_reader"', 'fastapi_role = "other_reader"\nprepare = true')
    )
    try:
        other.run("up", "--detach", DATABASE_URL=theirs)
        assert other.ask("/next/products/").json() == []
    finally:
        other.run("down")
    assert contents(theirs)["products"] == 0


def contents(dsn: str) -> dict[str, int]:
    """The rows of each table."""
    with psycopg.connect(dsn) as owner:
        names = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        count = sql.SQL("SELECT count(*) FROM {}")
        return {name: owner.execute(count.format(sql.Identifier(name))).fetchall()[0][0] for (name,) in names}


def test_its_schema_is_handed_over_and_given_back(shop: Shop) -> None:
    steps = shop.run("handover", "plan", code=1)
    assert "defaults   customers DEFAULT is_active true" in steps
    assert "auth_permission.content_type_id → django_content_type ON DELETE CASCADE" in steps
    checksum = steps.split("--plan ")[1].split()[0]
    assert "Alembic owns the schema; alembic/ belongs into git" in shop.run("handover", "apply", "--plan", checksum)
    proved = shop.run("handover", "verify")
    assert proved.count("ok  ") == 2
    assert "Alembic owns the tables of this database" in shop.run("manage", "migrate", code=1)
    assert shop.run("schema", "check").count("ok  ") == 6
    # The stack starts on Alembic's tables, and Django works on them as before.
    shop.run("down")
    shop.run("up", "--detach")
    answer = shop.ask("/login/", "POST", json={"email": CUSTOMER, "secret": SECRET}).json()
    token = {"Authorization": f"JWT {answer['data']['jwt']}"}
    made = shop.ask("/products/", "POST", json={"sku": "H-1", "name": "Hat", "price": "1.00"}, headers=token)
    assert (made.status_code, made.headers["X-Served-By"]) == (201, "django"), made.text
    assert {"sku": "H-1", "name": "Hat", "price": "1.00", "stock": 0} in shop.ask("/next/products/").json()
    assert shop.served_by("/next/products/") == "fastapi"
    changed_and_back(shop, token)
    shop.run("handover", "rollback", "--yes")
    assert "No migrations to apply." in shop.run("manage", "migrate", "--noinput")
    assert not (shop.folder / "alembic").exists()
    assert "nothing was handed over" in shop.run("handover", "verify", code=2)


def changed_and_back(shop: Shop, token: dict[str, str]) -> None:
    """A key has two names, a column is in parts, and two are one: both services go on by the old names."""
    (shop.folder / "modernise").mkdir()
    for name, text in OPERATIONS.items():
        (shop.folder / "modernise" / f"{name}.toml").write_text(text)
    before = shop.ask("/products/").json()
    for name in OPERATIONS:
        for stage in ("expand", "backfill", "verify", "cutover"):
            assert f"{stage}: " in shop.run("modernise", "next", name, "--yes")
            assert shop.ask("/products/").json() == shop.ask("/next/products/").json() == before
    made = {"sku": "N-1", "name": "New Coat", "price": "2.50", "stock": 3}
    assert shop.ask("/products/", "POST", json=made, headers=token).status_code == 201
    with psycopg.connect(shop.dsn(OWNER, "owner_password", DATABASE)) as owner:
        query = "SELECT number, adjective, noun, offer FROM products WHERE sku = 'N-1'"
        assert owner.execute(query).fetchall() == [("N-1", "New", "Coat", "3 at 2.50")]
    refused = shop.run("modernise", "next", "number", "--yes", code=3)
    assert "Column products.sku no longer exists; Django would break" in refused, refused
    assert shop.run("modernise", "status").count("cutover") == len(OPERATIONS)
    assert "0 of 2 statements want an index that is not there" in shop.run("modernise", "indexes")
    for name in reversed(OPERATIONS):
        for _stage in range(4):
            shop.run("modernise", "back", name, "--yes")
    assert made in shop.ask("/products/").json()


def test_leaving_django_is_drilled_confirmed_and_reported(shop: Shop) -> None:
    drilled = shop.run("drill", "products.list", "--yes", EVIDENCE_EQUAL="0")
    assert re.search(r"requests of http://\S+/products/ meanwhile, 0 failed", drilled), drilled
    assert shop.served_by("/products/") == "django"
    # FastAPI has no such endpoint: the drill finds that out for a second, and the route is back.
    missing = shop.run("drill", "shop.me", "--yes", code=1, EVIDENCE_EQUAL="0")
    assert "were answered with 404 instead of 401" in missing
    drills = [json.loads(line) for line in (shop.folder / ".run" / "drills.jsonl").read_text().splitlines()]
    assert [(each["route"], each["before"], bool(each["errors"])) for each in drills] == [
        ("products.list", "parallel", False),
        ("shop.me", "legacy", True),
    ]
    assert "is no plain read" in shop.run("drill", "products.create", "--yes", code=2)
    (shop.folder / ".run" / "deploy.json").write_text('{"id": "1", "service": "fastapi", "outcome": "under way"}')
    assert "a deploy of fastapi is under way" in shop.run("drill", "products.list", "--yes", code=3)
    (shop.folder / ".run" / "deploy.json").unlink()
    shop.run("checklist", "confirm", "training", "--reason", "both of us")
    items = {each["name"]: each for each in json.loads(shop.run("checklist", "--json", code=1))}
    assert (items["training"]["state"], items["rollback"]["state"], items["routes"]["note"]) == (
        "done",
        "open",
        "0 of 5",
    )
    left = json.loads(shop.run("cutover", "check", "--json", code=1))
    assert {tie["kind"]: tie["count"] for tie in left["ties"]} == {
        "routes at legacy": 3,
        "routes at parallel": 2,
        "fixed paths": 2,
        "schema": 1,
        "staff": 0,
        "sessions": 0,
        "traffic of Django": sum(tie["count"] for tie in left["ties"] if tie["kind"] == "traffic of Django"),
        "tables": 6,
        "commands": 0,
        "tasks": 0,
        "task libraries": 0,
        "schedules": 0,
        "receivers": 0,
        "templates": 0,
        "static": 0,
        "admin models": 0,
        "admin log": 0,
    }
    assert "kept 6 tables" in shop.run("cutover", "archive", "--table", "customers", "--to", "kept")
    assert "as it was written: 6 tables" in shop.run("cutover", "archive", "--verify", "kept")
    shop.run("report", "--to", "pages")
    assert "parallel → canary 99.99%" in (shop.folder / "pages" / "report.html").read_text()
