"""The environment says what the service needs, or one sentence says what is wrong, and never shows a secret."""

import re
import subprocess
import sys

import pytest

from fastapi_app import __main__ as entry
from fastapi_app.config import Settings, SettingsError, load_settings

KEY = "k" * 31 + "!"
URL = "postgresql://strangler_fastapi:pass-of-the-role@127.0.0.1:5432/blog"
GOOD = {"FASTAPI_DATABASE_URL": URL, "JWT_SIGNING_KEY": KEY}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what a test sets."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_two_variables_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.jwt_signing_key.get_secret_value() == KEY
    assert (settings.fastapi_host, settings.fastapi_port, settings.db_pool_max) == ("127.0.0.1", 8002, 10)
    assert settings.hosts == ["localhost", "127.0.0.1", "[::1]"]
    assert KEY not in repr(settings)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    given = GOOD | {name: value}
    sentence = refusal(monkeypatch, **{key: text for key, text in given.items() if text is not None})
    assert name in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    "key", ["short", "k" * 31, "change-me" + "k" * 40, "CHANGE-ME" * 8], ids=["short", "31", "marked", "upper"]
)
def test_a_placeholder_or_short_key_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, environment: str, key: str
) -> None:
    sentence = refusal(monkeypatch, **GOOD | {"JWT_SIGNING_KEY": key, "ENVIRONMENT": environment})
    assert sentence == "JWT_SIGNING_KEY is a placeholder or shorter than 32 characters: set a random one."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_POOL_MAX", "0"),
        ("DB_POOL_MAX", "many-connections"),
        ("FASTAPI_PORT", "65536"),
        ("FASTAPI_WORKERS", "-1"),
        ("LOG_LEVEL", "chatty"),
        ("ENVIRONMENT", "staging"),
    ],
)
def test_a_wrong_value_is_reported_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    sentence = refusal(monkeypatch, **GOOD | {name: value})
    assert sentence.startswith(f"{name}: ")
    assert sentence.count("\n") == 0
    assert KEY not in sentence
    assert "pass-of-the-role" not in sentence


def test_the_log_level_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    assert load_settings().log_level == "warning"


def test_host_names_are_in_djangos_notation() -> None:
    settings = Settings.model_validate(
        {"fastapi_database_url": URL, "jwt_signing_key": KEY, "allowed_hosts": " a.example, .b.example,,* "}
    )
    assert settings.hosts == ["a.example", ".b.example", "*"]


def test_the_service_ends_with_the_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FASTAPI_DATABASE_URL", URL)
    monkeypatch.setenv("JWT_SIGNING_KEY", "my-short-secret")
    with pytest.raises(SystemExit) as ended:
        entry.main()
    reported = capsys.readouterr().err
    assert ended.value.code == 2
    assert re.fullmatch(r"fastapi_app: JWT_SIGNING_KEY is [^\n]+\.\n", reported)
    assert "my-short-secret" not in reported


def test_importing_the_application_asks_for_no_setting() -> None:
    code = "import fastapi_app.main, sys; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env={}, check=True)  # noqa: S603 - our own interpreter


def test_the_worker_of_jobs_does_without_the_application_and_its_admin() -> None:
    """It would take 10 MiB more (docs/benchmark.md, Memory)."""
    served = {"fastapi_app.main", "jinja2", "starlette_admin", "uvicorn"}
    code = f"import fastapi_app.commands.command_line, sys; sys.exit(len({served} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], env={}, check=True)  # noqa: S603 - our own interpreter


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"jwt_signing_key": "0" * 40}, "JWT_SIGNING_KEY is made of 1 different characters: set a random one"),
        ({"allowed_hosts": "a.example,*"}, "ALLOWED_HOSTS is *: name the hosts of the service"),
    ],
)
def test_what_anybody_could_guess_or_say_is_refused_in_production(changed: dict[str, str], sentence: str) -> None:
    good = {"fastapi_database_url": URL, "jwt_signing_key": "the signing key of these tests alone"}
    assert Settings.model_validate(good | {"environment": "production"})
    assert Settings.model_validate(good | changed)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Settings.model_validate(good | changed | {"environment": "production"})
