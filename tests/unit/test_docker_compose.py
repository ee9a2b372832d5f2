"""docker-compose.yml and the Dockerfiles: the rights and the environment of each container."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from strangler.compare.shadow.settings import shadow_settings_load
from strangler.deployment import container_shadow
from strangler.gateway.rendering import render_gateway
from strangler.gateway.settings import container_gateway
from strangler.routes.route import Stack
from strangler.schema import grants
from tests.example import CONTAINERS, EXAMPLE, PREFIXES, ROOT, example_settings, load_routes

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
COPIES = {"copies", "django-copy", "fastapi-copy"}
# Beside each stack while it is deployed.
NEXT = {"django-next", "fastapi-next"}
CUTOVER = {"setup-cutover", "nginx-cutover"}
OBSERVABILITY = {"prometheus", "grafana"}
# `watch` is of two profiles: it keeps the log small that it counts and a ramp reads.
RAMP = {"ramp", "watch"}
OURS = {"django": "django_app", "fastapi": "fastapi_app", "setup": "strangler"}
SECRETS = {"SECRET_KEY", "JWT_SIGNING_KEY", "POSTGRES_PASSWORD", "DATABASE_PASSWORD", "FASTAPI_DATABASE_PASSWORD"}


def named(text: str) -> set[str]:
    """The variables that compose takes from outside."""
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def dockerfile(service: str) -> str:
    return (ROOT / OURS[service] / "Dockerfile").read_text()


def final_stage(service: str) -> str:
    return dockerfile(service).rpartition("\nFROM ")[2]


def test_the_services_are_these() -> None:
    always = {"postgres", "nginx", "shadow", "worker", *OURS}
    assert set(SERVICES) == {*always, *COPIES, *NEXT, *CUTOVER, *OBSERVABILITY, *RAMP}
    profiles = {"observability": OBSERVABILITY | {"watch"}, "ramp": RAMP, "cutover": CUTOVER, "copies": COPIES}
    profiles |= {"deploy": NEXT}
    for profile, services in profiles.items():
        assert {name for name, service in SERVICES.items() if profile in service.get("profiles", ())} == services


@pytest.mark.parametrize("service", ["django", "fastapi"])
def test_what_stands_in_for_a_stack_is_as_it_is(service: str) -> None:
    assert {name: value for name, value in SERVICES[f"{service}-next"].items() if name != "profiles"} == SERVICES[
        service
    ]


def test_the_copies_reach_nothing_but_each_other_and_get_no_password_of_the_database() -> None:
    for service in COPIES:
        assert SERVICES[service]["networks"] == ["copies"]
        assert SERVICES[service]["restart"] == "no"
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[service]["ports"])
        named_here = named(" ".join(map(str, SERVICES[service]["environment"].values())))
        assert not {name for name in named_here if "PASSWORD" in name} - {"COPIES_PASSWORD", "DEMO_PASSWORD"}
    assert {name for name, service in SERVICES.items() if "copies" in service["networks"]} == COPIES


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_can_change_nothing_of_itself_and_gains_no_rights(service: str) -> None:
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert not settings.get("privileged")
    # PostgreSQL's image begins as root, gives its data folder away and becomes another account.
    expected = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"] if service in ("postgres", "copies") else []
    assert settings.get("cap_add", []) == expected


def test_only_nginx_is_published_and_by_default_to_this_machine_alone() -> None:
    ports = {
        service: settings["ports"]
        for service, settings in SERVICES.items()
        if "ports" in settings and service not in COPIES | OBSERVABILITY
    }
    front = ["${PROXY_HOST:-127.0.0.1}:${PROXY_PORT:-8080}:8080"]
    assert ports == {"nginx": front, "nginx-cutover": front}
    for service in OBSERVABILITY:
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


def test_nginx_and_postgresql_share_no_network() -> None:
    networks = {service: set(settings["networks"]) for service, settings in SERVICES.items()}
    assert networks["nginx"] == networks["nginx-cutover"] == networks["shadow"] == {"front"}
    assert networks["postgres"] == networks["setup"] == networks["setup-cutover"] == {"back"}
    assert networks["django"] == networks["fastapi"] == {"front", "back"}
    assert COMPOSE["networks"]["back"] == {"internal": True}


def test_every_secret_is_required_and_none_has_a_default() -> None:
    assert set(re.findall(r"\$\{([A-Z_]+):\?run make env first\}", TEXT)) == SECRETS
    for name in SECRETS:
        assert set(re.findall(rf"\$\{{{name}([^}}]*)\}}", TEXT)) == {":?run make env first"}


@pytest.mark.parametrize(
    ("service", "secrets"),
    [
        ("postgres", {"POSTGRES_PASSWORD", "DATABASE_PASSWORD", "FASTAPI_DATABASE_PASSWORD"}),
        ("django", {"SECRET_KEY", "JWT_SIGNING_KEY", "DATABASE_PASSWORD"}),
        ("fastapi", {"JWT_SIGNING_KEY", "FASTAPI_DATABASE_PASSWORD"}),
        ("setup", {"DATABASE_PASSWORD", "FASTAPI_DATABASE_PASSWORD"}),
        ("setup-cutover", {"DATABASE_PASSWORD", "FASTAPI_DATABASE_PASSWORD"}),
        ("nginx", set()),
        ("nginx-cutover", set()),
        ("shadow", set()),
        ("ramp", set()),
        ("worker", {"JWT_SIGNING_KEY", "DATABASE_PASSWORD", "FASTAPI_DATABASE_PASSWORD"}),
    ],
)
def test_a_service_is_reported_the_secrets_that_it_needs(service: str, secrets: set[str]) -> None:
    environment = SERVICES[service].get("environment", {})
    assert named(" ".join(environment.values())) & SECRETS == secrets


def test_it_is_production_unless_reported_otherwise() -> None:
    reported = {service.get("environment", {}).get("ENVIRONMENT") for service in SERVICES.values()}
    assert reported == {None, "${ENVIRONMENT:-production}"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_takes_the_whole_machine(service: str) -> None:
    memory = "${COPIES_MEMORY:-2g}" if service == "copies" else "1g"
    assert (SERVICES[service]["mem_limit"], SERVICES[service]["pids_limit"]) == (memory, 256)


def test_every_variable_is_explained_in_the_example() -> None:
    explained = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    # What the tool sets itself is nobody's to write there.
    by_the_tool = {name for name in named(TEXT) if name.startswith("COPIES_")} - {"COPIES_MEMORY"}
    assert named(TEXT) - by_the_tool <= explained


def test_make_env_makes_each_secret_once_and_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PROXY_PORT=9000\nSECRET_KEY=\nJWT_SIGNING_KEY=mine")
    command = ["make", "--silent", "--file", str(ROOT / "Makefile"), "--directory", str(tmp_path), "env"]
    for _ in range(2):
        subprocess.run(command, check=True)  # noqa: S603 - the checkout's own target
        # As compose reads it: the last line of a name counts.
        values = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
        assert set(values) == {"PROXY_PORT", *SECRETS}
        assert (values["PROXY_PORT"], values["JWT_SIGNING_KEY"]) == ("9000", "mine")
        made = [values[name] for name in SECRETS - {"JWT_SIGNING_KEY"}]
        assert len(set(made)) == len(made)
        assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in made)
    assert len((tmp_path / ".env").read_text().splitlines()) == 7
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_postgresql_and_nginx_are_ended_by_the_signals_that_they_know_as_orderly() -> None:
    signals = {service: settings["stop_signal"] for service, settings in SERVICES.items() if "stop_signal" in settings}
    nginx = dict.fromkeys(("nginx", "nginx-cutover"), "SIGQUIT")
    assert signals == {"postgres": "SIGINT", "copies": "SIGINT", **nginx}


def test_only_nginx_depends_on_others() -> None:
    depending = {service: settings["depends_on"] for service, settings in SERVICES.items() if "depends_on" in settings}
    assert set(depending) == {"nginx", "nginx-cutover"}
    assert set(depending["nginx"]) == {"postgres", *OURS}


def test_without_django_nothing_of_it_is_started_or_waited_for() -> None:
    assert set(SERVICES["nginx-cutover"]["depends_on"]) == {"postgres", "setup-cutover", "fastapi"}
    assert "render --target container --without-django" in SERVICES["setup-cutover"]["command"][2]
    generated = [volume for volume in SERVICES["nginx-cutover"]["volumes"] if "generated" in volume["source"]]
    assert [volume["source"] for volume in generated] == ["generated-cutover"]
    assert "generated-cutover:/generated" in SERVICES["setup-cutover"]["volumes"]
    assert "generated-cutover" in COMPOSE["volumes"]


@pytest.mark.parametrize("service", OURS)
def test_an_image_is_built_in_two_stages_from_locked_requirements_of_its_own(service: str) -> None:
    text = dockerfile(service)
    assert re.findall(r"^FROM (\S+)", text, flags=re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2
    own = {"setup": "strangler"}.get(service, service)
    # Metrics and traces are imported once they are turned on.
    stack = ["observability"] if service != "setup" else []
    assert re.findall(r"requirements/(\w+)\.txt", text) == [own, *stack]
    assert "--require-hashes" in text
    copied = set(re.findall(r"^COPY (\S+) ", final_stage(service), flags=re.MULTILINE))
    assert copied == {"--from=builder"}


def test_each_image_from_elsewhere_can_be_pinned_by_its_digest() -> None:
    outside = {service: settings["image"] for service, settings in SERVICES.items() if "postgres" in settings["image"]}
    assert outside == dict.fromkeys(("postgres", "copies"), "${POSTGRES_IMAGE:-postgres:18}")
    assert {SERVICES[service]["image"] for service in ("nginx", "nginx-cutover")} == {"${NGINX_IMAGE:-nginx:1.31}"}
    python = "python:3.13-slim"
    built = {*OURS, *RAMP, "shadow", "worker", "setup-cutover", "django-copy", "fastapi-copy", *NEXT}
    for service, settings in SERVICES.items():
        assert settings.get("build", {}).get("args", {}).get("PYTHON_IMAGE") == (
            f"${{PYTHON_IMAGE:-{python}}}" if service in built else None
        )
    assert all(f"ARG PYTHON_IMAGE={python}\n" in dockerfile(service) for service in OURS)


@pytest.mark.parametrize("service", OURS)
def test_an_image_runs_as_an_account_of_its_own_and_stops_by_signal(service: str) -> None:
    stage = final_stage(service)
    assert "\nUSER 10001:10001\n" in stage
    assert re.search(r'^HEALTHCHECK .*CMD \["python", |^HEALTHCHECK NONE', stage, flags=re.MULTILINE)
    # In exec form, so that the engine's SIGTERM reaches the program.
    assert re.search(r'^CMD \["python", "-m", "[a-z_.]+"', stage, flags=re.MULTILINE)


def test_an_image_holds_the_sources_of_its_own_service_only() -> None:
    copied = {
        service: set(re.findall(r"^COPY (\w+) \w+$", dockerfile(service), flags=re.MULTILINE)) for service in OURS
    }
    assert copied == {
        "django": {"django_app", "sample_data", "shared_schema", "strangler_django"},
        "fastapi": {"fastapi_app", "sample_data", "shared_schema", "strangler_fastapi"},
        "setup": {"shared_schema", "strangler"},
    }


def test_the_engine_is_sent_nothing_but_what_images_copy() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line for line in lines[1:] if line.startswith("!")} == {
        "!requirements/*.txt",
        "!django_app",
        "!fastapi_app",
        "!sample_data",
        "!shared_schema",
        "!strangler",
        "!strangler_django",
        "!strangler_fastapi",
        "!strangler.toml",
        "!nginx/routes.toml",
    }


def test_the_role_has_the_limits_that_the_tool_gives() -> None:
    roles = (ROOT / "django_app" / "roles.sql").read_text()
    limits = re.findall(r"^ALTER ROLE strangler_fastapi SET (\w+) = '(\w+)';$", roles, flags=re.MULTILINE)
    assert dict(limits) == grants._LIMITS


def test_nginx_and_setup_share_the_account_that_owns_the_volume() -> None:
    assert SERVICES["nginx"]["user"] == "10001:10001"
    for volume in ("nginx", "samples", "log"):
        assert COMPOSE["volumes"][volume]["driver_opts"]["o"].startswith("mode=0755,uid=10001,gid=10001")


def test_the_shadow_worker_is_the_tools_image_with_a_socket_that_nginx_only_writes_to() -> None:
    shadow, nginx = SERVICES["shadow"], SERVICES["nginx"]
    assert (shadow["image"], shadow["build"]) == (SERVICES["setup"]["image"], SERVICES["setup"]["build"])
    assert shadow["volumes"] == ["samples:/run/shadow", "shadow:/shadow"]
    (mount,) = [mount for mount in nginx["volumes"] if mount["source"] == "samples"]
    assert mount["read_only"] is True
    socket = f"{mount['target']}/shadow.sock"
    assert shadow["environment"]["SHADOW_SOCKET"] == socket
    assert container_gateway(**CONTAINERS).shadow_server == f"unix:{socket}"
    assert not [name for name, service in SERVICES.items() if "shadow" in service.get("depends_on", {})]


def test_statements_are_reported_only_where_it_is_asked_for() -> None:
    reported = {service: settings.get("environment", {}).get("REPORT_SQL") for service, settings in SERVICES.items()}
    reporting = {service for service, value in reported.items() if value == "${REPORT_SQL:-0}"}
    assert reporting - COPIES - NEXT == {"django", "fastapi", "worker"}


def test_the_example_has_the_defaults_of_the_worker() -> None:
    rate = re.search(r"\$\{SHADOW_RATE:-(\d+)\}", TEXT)
    assert rate is not None
    assert float(rate[1]) == example_settings().shadow_rate


def test_the_shadow_worker_has_all_it_needs_and_asks_as_clients_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICES["shadow"]["environment"].items():
        monkeypatch.setenv(name, str(value).replace("${SHADOW_RATE:-20}", "20"))
    settings = shadow_settings_load()
    assert (settings.v1, settings.v2) == (PREFIXES.v1, PREFIXES.v2)
    assert settings.django_url == f"http://django:8001{PREFIXES.django}"
    assert settings.fastapi_url == f"http://fastapi:8002{PREFIXES.fastapi}"


def test_the_log_that_nginx_writes_for_watch_is_the_one_that_it_reads_and_is_bounded() -> None:
    settings = container_gateway(**CONTAINERS, service_metrics=True)
    assert container_gateway(**CONTAINERS).log_name == ""
    for service in ("nginx", "nginx-cutover"):
        [mount] = [mount for mount in SERVICES[service]["volumes"] if mount["source"] == "log"]
        assert settings.log_name.startswith(f"{mount['target']}/")
    # A name that begins with a variable would be one in nginx's own folder.
    rendered = render_gateway(load_routes(ROOT / "nginx" / "routes.toml"), settings).files["http.conf"]
    assert f"\naccess_log {settings.log_name}$log_suffix " in rendered
    watch = SERVICES["watch"]
    # The step of a ramp is among the figures; nothing may be written.
    assert watch["volumes"] == ["log:/log", "./.run/containers:/app/.run/containers:ro"]
    assert watch["command"][-2:] == ["--log", f"{settings.log_name}.log"]
    assert (watch["image"], watch["build"]) == (SERVICES["setup"]["image"], SERVICES["setup"]["build"])
    assert re.search(r"nr_blocks=\d+k", COMPOSE["volumes"]["log"]["driver_opts"]["o"])


def test_the_ramp_moves_as_the_host_does_and_may_write_nothing_else() -> None:
    ramp, setup = SERVICES["ramp"], SERVICES["setup"]
    assert (ramp["image"], ramp["build"], ramp["networks"]) == (setup["image"], setup["build"], ["front"])
    written = {volume for volume in ramp["volumes"] if not volume.endswith(":ro")}
    assert written == {"./nginx:/project/nginx", "./.run/containers:/project/.run/containers", "moves:/moves"}
    # What it renders is what the host renders; the rest of setup's environment is the database's.
    theirs = {name: value for name, value in setup["environment"].items() if not name.endswith("DATABASE_URL")}
    assert theirs.items() <= ramp["environment"].items()
    mounted = {volume.partition(":")[0].removeprefix("./") for volume in ramp["volumes"]}
    sources = {source.partition("/")[0] for stack in Stack for source in EXAMPLE.stack(stack).sources}
    assert {*sources, EXAMPLE.files.cases, ".run/cases"} <= mounted
    moved = {name for name in ("nginx", "nginx-cutover") if "moves" in {v["source"] for v in SERVICES[name]["volumes"]}}
    assert moved == {"nginx"}


def test_no_port_has_the_shadows_results() -> None:
    """Only who mounts its volume may ask; `ramp` of its own group is one."""
    results = SERVICES["shadow"]["environment"]["SHADOW_RESULTS"]
    assert results == container_shadow._RESULTS
    mounting = {name for name, service in SERVICES.items() if "samples" in str(service.get("volumes"))}
    assert mounting == {"shadow", "nginx", "ramp"}
    assert "samples:/run/shadow:ro" in SERVICES["ramp"]["volumes"]
    assert SERVICES["ramp"]["group_add"] == ["10001"]


def test_prometheus_asks_each_service_where_it_answers() -> None:
    scraped = yaml.safe_load((ROOT / "observability" / "prometheus.yml").read_text())["scrape_configs"]
    port = SERVICES["watch"]["command"][5].rpartition(":")[2]
    assert {each["job_name"]: each["static_configs"][0]["targets"] for each in scraped} == {
        "strangler": [f"watch:{port}"],
        "django": [CONTAINERS["django"]],
        "fastapi": [CONTAINERS["fastapi"]],
    }
    for service in ("prometheus", "grafana"):
        mounts = [volume for volume in SERVICES[service]["volumes"] if volume.startswith("./")]
        assert all((ROOT / volume.partition(":")[0]).is_file() for volume in mounts)
        assert all(volume.endswith(":ro") for volume in mounts)
