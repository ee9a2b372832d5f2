import pytest

from django_app.config.environment import EnvironmentInvalidError, environment_read, server_environment_read

SET = {
    "SECRET_KEY": "the secret key of these tests alone",
    "JWT_SIGNING_KEY": "the signing key of these tests alone",
    "DATABASE_URL": "postgresql://owner@127.0.0.1:5432/blog",
}


def test_defaults_are_those_of_development() -> None:
    environment = environment_read(SET | {"DB_POOL_MAX": "", "LOG_LEVEL": ""})
    assert not environment.is_production
    assert environment.db_pool_max == 10
    assert environment.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert (environment.log_level, environment.demo_password) == ("info", "strangler-demo")
    assert not environment.report_sql
    assert environment_read(SET | {"REPORT_SQL": "1"}).report_sql


def test_the_server_listens_where_bind_says() -> None:
    assert server_environment_read({}).bind == "127.0.0.1:8001"
    assert server_environment_read({"DJANGO_PORT": "9001"}).bind == "127.0.0.1:9001"
    assert server_environment_read({"BIND": "0.0.0.0:80", "DJANGO_PORT": "9001"}).bind == "0.0.0.0:80"
    assert (server_environment_read({}).workers, server_environment_read({}).threads) == (2, 4)


@pytest.mark.parametrize("name", list(SET))
def test_what_has_no_default_must_be_set(name: str) -> None:
    with pytest.raises(EnvironmentInvalidError, match=f"{name} is not set"):
        environment_read({key: value for key, value in SET.items() if key != name})


@pytest.mark.parametrize("value", ["change-me", "strangler-demo", "a short secret", "change-me" * 6])
@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SIGNING_KEY"])
def test_placeholders_stop_a_start_outside_development(name: str, value: str) -> None:
    assert environment_read(SET | {name: value})
    with pytest.raises(EnvironmentInvalidError, match=f"{name} is a placeholder"):
        environment_read(SET | {name: value, "ENVIRONMENT": "production"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ENVIRONMENT", "staging"), ("DB_POOL_MAX", "0"), ("DB_POOL_MAX", "²"), ("LOG_LEVEL", "loud")),
        ("REPORT_SQL", "yes"),
    ],
)
def test_an_unusable_value_is_named(name: str, value: str) -> None:
    with pytest.raises(EnvironmentInvalidError, match=f"{name} is '{value}': set it to"):
        environment_read(SET | {name: value})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"SECRET_KEY": "0" * 40}, "SECRET_KEY is made of 1 different characters: set"),
        ({"SECRET_KEY": SET["JWT_SIGNING_KEY"]}, "SECRET_KEY and JWT_SIGNING_KEY are the same: set"),
        ({"ALLOWED_HOSTS": "a.example,*"}, r"ALLOWED_HOSTS is \*: name"),
    ],
)
def test_what_anybody_could_guess_or_say_stops_a_start_in_production(changed: dict[str, str], sentence: str) -> None:
    assert environment_read(SET | {"ENVIRONMENT": "production"})
    assert environment_read(SET | changed)
    with pytest.raises(EnvironmentInvalidError, match=sentence):
        environment_read(SET | changed | {"ENVIRONMENT": "production"})
