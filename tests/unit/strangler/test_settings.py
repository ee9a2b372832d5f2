"""What the local stack takes from outside, and what it refuses."""

import re
import stat
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from pydantic import ValidationError

from strangler.deployment.local_database import LocalDatabase
from strangler.errors import UsageError
from strangler.local.secret_store import SecretStore, secret_resolve
from strangler.local.services import Connections, stack_environment
from strangler.routes.route import Stack
from strangler.sections import DjangoSection, FastapiSection
from strangler.settings import LocalSettings, base_environment, fastapi_dsn_derive, settings_load
from tests.example import EXAMPLE, ROOT, example_project, example_settings

CONNECTIONS = Connections(
    owner_dsn="postgresql://owner:o@h/d",
    fastapi_dsn="postgresql://fastapi:f@h/d",
    secret_key="s" * 40,
    jwt_signing_key="j" * 40,
)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LocalSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_every_setting_is_in_the_example_with_its_default() -> None:
    text, _, _containers_only = (ROOT / ".env.example").read_text().partition("# ---- Containers only.")
    example = dict(re.findall(r'^([A-Z_]+)="?(.*?)"?$', text, flags=re.MULTILINE))
    assert {name.lower() for name in example} == set(LocalSettings.model_fields) - {"project"}
    assert example_settings(**{name.lower(): text for name, text in example.items()}) == example_settings()


def test_the_environment_wins_over_the_file_and_empty_means_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PROXY_PORT=9000\nDJANGO_PORT=9001\nLOG_LEVEL=\nSOMEBODY_ELSES=1\n")
    monkeypatch.setenv("PROXY_PORT", "9100")
    settings = settings_load(EXAMPLE.at(tmp_path))
    assert (settings.proxy_port, settings.django_port, settings.log_level) == (9100, 9001, "info")


@pytest.mark.parametrize(
    ("name", "value"), [("PROXY_PORT", "abc"), ("PROXY_PORT", "0"), ("DJANGO_WORKERS", "-1"), ("ENVIRONMENT", "prod")]
)
def test_a_wrong_value_is_one_sentence_that_names_it(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"^{name} is '{value}'.*set it right in .env.$"):
        settings_load(EXAMPLE.at(tmp_path))


def test_two_services_on_one_port_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_PORT", "8080")
    with pytest.raises(UsageError, match=r"^PROXY_PORT, PROXY_TLS_PORT, DJANGO_PORT.* must differ: set it right"):
        settings_load(EXAMPLE.at(tmp_path))


def test_development_makes_a_secret_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets")
    settings = example_settings()
    first = secret_resolve(settings=settings, name="secret_key", store=store)
    assert len(first) >= 32
    assert secret_resolve(settings=settings, name="secret_key", store=store) == first
    assert secret_resolve(settings=settings, name="jwt_signing_key", store=store) != first
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("", "missing"),
        ("short", "placeholder"),
        ("change-me" * 6, "placeholder"),
        ("strangler-demo" * 3, "placeholder"),
    ],
)
def test_production_refuses_a_missing_or_placeholder_secret(given: str, what: str, tmp_path: Path) -> None:
    settings = example_settings(environment="production", secret_key=given)
    with pytest.raises(UsageError, match=f"^SECRET_KEY is .*{what}"):
        secret_resolve(settings=settings, name="secret_key", store=SecretStore(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_given_secret_is_used_and_not_written_down(tmp_path: Path) -> None:
    given = "k3v-and-many-more-characters-than-three"
    settings = example_settings(environment="production", jwt_signing_key=given)
    assert secret_resolve(settings=settings, name="jwt_signing_key", store=SecretStore(tmp_path)) == given
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "secrets", "name"),
    [
        # Both services run elsewhere, as strangler init writes them.
        ("", {"jwt_signing_key": "j", "secret_key": "s"}, "jwt_signing_key"),
        ("", {"secret_key": "s"}, "secret_key"),
        ("", {}, "secret_key"),
        ("{secret_key}", {"jwt_signing_key": "j", "secret_key": "s"}, "secret_key"),
        ("{secret_key} {jwt_signing_key}", {"secret_key": "s"}, "jwt_signing_key"),
    ],
)
def test_tokens_are_signed_by_what_a_service_gets_else_by_what_is_set(
    given: str, secrets: dict[str, str], name: str, tmp_path: Path
) -> None:
    elsewhere = DjangoSection(address="http://127.0.0.1:8000", health="/up", environment={"KEY": given})
    services = {"django": elsewhere, "fastapi": FastapiSection(address="http://127.0.0.1:9000", health="/up")}
    settings = LocalSettings(project=example_project(**services), **secrets)
    assert (settings.signing_secret, settings.signing_key) == (name, secrets.get(name, ""))
    settings = settings.model_copy(update={"database_url": "postgresql://o@h/d", "environment": "production"})
    if not given:
        unused = cast("Any", None)
        database = LocalDatabase(settings, server=unused, secrets=SecretStore(tmp_path), children=unused)
        assert database.connections().jwt_signing_key == secrets.get(name, "")


@pytest.mark.parametrize(
    ("owner", "fastapi"),
    [
        ("postgresql://o:p@h:5/d?sslmode=require", "postgresql://strangler_fastapi:a%2Fb@h:5/d?sslmode=require"),
        ("postgresql://o:p%40@[::1]:5/d", "postgresql://strangler_fastapi:a%2Fb@[::1]:5/d"),
        ("postgresql:///d?host=/run", "postgresql://strangler_fastapi:a%2Fb@/d?host=/run"),
    ],
)
def test_fastapis_address_differs_in_role_and_password_only(owner: str, fastapi: str) -> None:
    assert fastapi_dsn_derive(owner_dsn=owner, role="strangler_fastapi", password="a/b") == fastapi


def test_fastapi_is_reported_neither_the_owners_database_nor_djangos_secret() -> None:
    reported = stack_environment(example_settings(), CONNECTIONS, Stack.FASTAPI)
    assert reported["FASTAPI_DATABASE_URL"] == CONNECTIONS.fastapi_dsn
    assert reported["JWT_SIGNING_KEY"] == CONNECTIONS.jwt_signing_key
    assert not {CONNECTIONS.owner_dsn, CONNECTIONS.secret_key} & set(reported.values())


def test_django_is_reported_the_demo_password_in_development_only() -> None:
    assert stack_environment(example_settings(), CONNECTIONS, Stack.DJANGO)["DEMO_PASSWORD"] == "strangler-demo"
    assert (
        stack_environment(example_settings(environment="production"), CONNECTIONS, Stack.DJANGO)["DEMO_PASSWORD"] == ""
    )


@pytest.mark.parametrize(
    ("environment", "given", "reported"),
    [("development", "", "1"), ("development", "0", "0"), ("production", "", "0"), ("production", "1", "1")],
)
def test_both_stacks_report_statements_in_development_or_where_it_is_asked_for(
    environment: Literal["development", "production"], given: Literal["", "0", "1"], reported: str
) -> None:
    settings = example_settings(environment=environment, report_sql=given)
    assert stack_environment(settings, CONNECTIONS, Stack.DJANGO)["REPORT_SQL"] == reported
    assert stack_environment(settings, CONNECTIONS, Stack.FASTAPI)["REPORT_SQL"] == reported


def test_children_get_nothing_of_the_callers_environment_that_they_do_not_need() -> None:
    reported = base_environment({"PATH": "/bin", "HOME": "/h", "AWS_SECRET_ACCESS_KEY": "x", "DATABASE_URL": "y"})
    assert reported == {"PATH": "/bin", "HOME": "/h", "PYTHONUNBUFFERED": "1"}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 - compared only
        ("::", "http://[::1]:8080"),
    ],
)
def test_the_address_shown_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert example_settings(proxy_host=host).proxy_url == url


@pytest.mark.parametrize(
    ("allowed", "host"), [("a.example,b", "a.example"), (".example", "example"), ("*", "localhost"), ("", "localhost")]
)
def test_probes_name_a_host_that_is_allowed(allowed: str, host: str) -> None:
    assert example_settings(allowed_hosts=allowed).probe_host == host


def test_a_letter_that_is_missing_in_any_name_of_the_example_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = re.findall(r"^([A-Z_]{5,})=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text("".join(f"{name[:-2]}{name[-1]}=\n" for name in names))
    settings_load(EXAMPLE.at(tmp_path))
    meant = [record.getMessage().rpartition(" mean ")[2].rstrip("?") for record in caplog.records]
    assert meant == names


def test_a_misspelt_setting_is_reported_and_a_projects_own_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "PROXY_PRT=1\nexport FASTAPI_WORKER=2\nPROXY_PORT=8090\nPOSTGRES_PASSWORD=x\nMAIL_HOST=y\n# LOG_LEVL=debug\n"
    (tmp_path / ".env").write_text(text)
    assert settings_load(EXAMPLE.at(tmp_path)).proxy_port == 8090
    assert [record.getMessage() for record in caplog.records] == [
        "PROXY_PRT in .env is no setting and is ignored: did you mean PROXY_PORT?",
        "FASTAPI_WORKER in .env is no setting and is ignored: did you mean FASTAPI_WORKERS?",
    ]


def test_a_stack_takes_eight_requests_for_each_that_it_answers_at_once() -> None:
    settings = example_settings(django_workers=1, django_threads=3, fastapi_workers=2, db_pool_max=5)
    assert settings.stack_requests == {Stack.DJANGO: 24, Stack.FASTAPI: 80}
    assert settings.model_copy(update={"django_requests": 7}).stack_requests[Stack.DJANGO] == 7


def test_nobody_here_knows_what_a_service_takes_that_is_kept_elsewhere() -> None:
    elsewhere = EXAMPLE.django.model_copy(update={"command": None, "address": "http://127.0.0.1:8000"})
    settings = example_settings().model_copy(update={"project": EXAMPLE.model_copy(update={"django": elsewhere})})
    assert settings.stack_requests == {Stack.DJANGO: 0, Stack.FASTAPI: 160}


@pytest.mark.parametrize("port", [0, 65_536, 99_999])
def test_no_address_has_a_port_that_there_is_not(port: int) -> None:
    with pytest.raises(ValidationError, match="a port is 1 to 65535"):
        LocalSettings(project=EXAMPLE, board_address=f"10.89.0.1:{port}")
