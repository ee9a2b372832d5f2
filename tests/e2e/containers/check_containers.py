"""docker-compose.yml for real: `make containers`. No part of `make test`, which needs no container engine."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.containers.engine import PREFIXES, SECRETS, Containers


def test_both_stacks_answer_the_same(front: httpx.Client) -> None:
    v1, v2 = (front.get(f"{prefix}/feed/highlights/") for prefix in PREFIXES.values())
    assert [v1.headers["X-Served-By"], v2.headers["X-Served-By"]] == ["django", "fastapi"]
    assert v1.content == v2.content
    assert len(v1.json()) == 10


@pytest.mark.parametrize(("issuer", "other"), [("django", "fastapi"), ("fastapi", "django")])
def test_a_token_of_either_stack_opens_the_other(
    issuer: str, other: str, front: httpx.Client, tokens: dict[str, str]
) -> None:
    response = front.get(f"{PREFIXES[other]}/posts/", headers={"Authorization": f"Bearer {tokens[issuer]}"})
    assert (response.status_code, response.headers["X-Served-By"]) == (200, other)
    assert response.json()["count"] > 0


@pytest.mark.parametrize("prefix", PREFIXES.values())
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_links_carry_the_hosts_name_and_port_that_the_client_used(
    prefix: str, host: str, front: httpx.Client, containers: Containers
) -> None:
    address = f"{host}:{containers.port}"
    response = front.get(f"{prefix}/feed/", headers={"Host": address})
    assert response.json()["next"] == f"http://{address}{prefix}/feed/?page=2"


@pytest.mark.parametrize(
    "path", ["/api/docs/", "/api/v2/docs", "/api/schema/", "/api/v2/openapi.json", "/admin/login/"]
)
def test_the_pages_for_people_are_there(path: str, front: httpx.Client) -> None:
    assert front.get(path).status_code == 200


@pytest.mark.parametrize(("service", "absent"), [("django", "fastapi"), ("fastapi", "django"), ("fastapi", "pip")])
def test_an_image_has_only_its_own_requirements(service: str, absent: str, containers: Containers) -> None:
    ask = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({absent!r}) is not None)"
    containers.inside(service, "/venv/bin/python", "-c", ask)


@pytest.mark.parametrize("service", ["django", "fastapi", "nginx", "shadow"])
def test_a_container_is_no_roots_and_can_change_nothing_of_itself(service: str, containers: Containers) -> None:
    assert containers.inside(service, "id", "-u").stdout.strip() == "10001"
    mounts = containers.inside(service, "cat", "/proc/mounts").stdout
    assert re.search(r"^\S+ / \S+ ro\b", mounts, flags=re.MULTILINE)
    status = containers.inside(service, "cat", "/proc/1/status").stdout
    assert re.search(r"^CapBnd:\s+0+$", status, flags=re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, flags=re.MULTILINE)


@pytest.mark.parametrize("service", ["nginx", "shadow"])
def test_a_service_in_front_can_reach_the_stacks_and_not_the_database(service: str, containers: Containers) -> None:
    for address, code in [("django/8001", 0), ("fastapi/8002", 0), ("postgres/5432", 1)]:
        asked = containers.inside(service, "bash", "-c", f"exec 3<>/dev/tcp/{address}", check=False)
        assert bool(asked.returncode) == bool(code), f"{address}: {asked.stderr}"


def test_no_container_knows_a_secret_that_it_does_not_need(containers: Containers) -> None:
    unknown = {
        "django": ("POSTGRES_PASSWORD", "FASTAPI_DATABASE_PASSWORD"),
        "fastapi": ("POSTGRES_PASSWORD", "DATABASE_PASSWORD", "SECRET_KEY"),
        "nginx": SECRETS,
        "shadow": SECRETS,
    }
    for service, names in unknown.items():
        environment = containers.inside(service, "env").stdout
        assert not [name for name in names if containers.env[name] in environment]


def test_neither_role_of_the_services_may_make_roles_and_fastapis_makes_no_tables(containers: Containers) -> None:
    query = (
        "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, has_schema_privilege(rolname, 'public', 'CREATE'),"
        " has_database_privilege(rolname, current_database(), 'TEMP') FROM pg_roles WHERE rolname LIKE 'strangler%'"
        " ORDER BY 1"
    )
    psql = ("psql", "--username=postgres", "--dbname=strangler", "--tuples-only", "--no-align", "--command", query)
    assert containers.inside("postgres", *psql).stdout.split() == [
        "strangler|f|f|f|t|t",
        "strangler_fastapi|f|f|f|f|f",
    ]


def test_a_missing_secret_stops_compose_with_the_mend(containers: Containers) -> None:
    result = containers.run("config", check=False, SECRET_KEY="")
    assert result.returncode != 0
    assert "run make env first" in result.stdout + result.stderr


def test_a_restart_of_postgresql_is_recovered_from(containers: Containers) -> None:
    containers.run("restart", "postgres")
    containers.wait_until_ready()
    # More often than there are connections in the pools: none of those that broke is left in them.
    assert all(containers.answers(f"{prefix}/feed/") for prefix in PREFIXES.values() for _ in range(50))


@pytest.mark.parametrize(("service", "path"), [("django", "/api/feed/"), ("fastapi", "/api/v2/feed/")])
def test_a_stack_that_ends_comes_back(service: str, path: str, containers: Containers) -> None:
    containers.terminate(service)
    containers.wait_until_away(path)
    containers.wait_until_ready()


def test_stacks_that_start_in_another_order_are_found_at_their_new_addresses(containers: Containers) -> None:
    containers.run("stop", "django", "fastapi")
    containers.wait_until_away("/api/feed/")
    containers.run("start", "fastapi")
    containers.run("start", "django")
    containers.wait_until_ready()


def test_everything_stopped_starts_with_nginx_first_and_postgresql_last(containers: Containers) -> None:
    containers.run("stop")
    for service in ("nginx", "shadow", "fastapi", "django", "postgres"):
        containers.run("start", service)
    containers.wait_until_ready()


# Last, since it uses up what the token endpoints let through.
def test_too_many_sign_ins_are_answered_429(front: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: front.post("/api/auth/token/", json={}), range(100)))
    refused = next(response for response in responses if response.status_code == 429)
    assert refused.json() == {"detail": "Request was throttled. Expected available in 1 second."}
    assert refused.headers["Retry-After"] == "1"
