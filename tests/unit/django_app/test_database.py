import pytest

from django_app.config.database import database_settings, time_limits_set
from django_app.config.environment import EnvironmentInvalidError

WAITS = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"


def test_an_address_becomes_settings_with_a_pool() -> None:
    settings = database_settings(url="postgresql://me:p%40ss@db.example:6543/blog?sslmode=require", pool_max=7)
    assert [settings[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "me",
        "p@ss",
        "db.example",
        "6543",
        "blog",
    ]
    assert settings["OPTIONS"]["sslmode"] == "require"
    assert settings["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 7, "timeout": 2.0, "reconnect_timeout": 2.0}
    assert settings["ATOMIC_REQUESTS"]
    # Django refuses a pool beside persistent connections.
    assert settings["CONN_MAX_AGE"] == 0


@pytest.mark.parametrize(
    ("url", "sentence"), [("mysql://me@host/blog", "is no PostgreSQL address"), ("host=db", "names no")]
)
def test_an_unusable_address_is_one_sentence_without_the_address(url: str, sentence: str) -> None:
    with pytest.raises(EnvironmentInvalidError, match=f"DATABASE_URL {sentence}") as caught:
        database_settings(url=url, pool_max=1)
    assert url not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "seconds", "expected"),
    [
        ("postgresql://h/blog", 10, f"{WAITS} -c statement_timeout=10s"),
        ("postgresql://h/blog?options=-c%20work_mem%3D8MB", 3, f"-c work_mem=8MB {WAITS} -c statement_timeout=3s"),
        ("postgresql://h/blog", 0, WAITS),
    ],
)
def test_statements_of_the_server_end_in_time(url: str, seconds: int, expected: str) -> None:
    settings = database_settings(url=url, pool_max=1)
    time_limits_set(settings, statement_seconds=seconds)
    assert settings["OPTIONS"].get("options") == expected
