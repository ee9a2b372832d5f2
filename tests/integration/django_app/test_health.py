import pytest
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from rest_framework.test import APIClient

from django_app.config import health


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.MigrationState, "complete", False)


def test_a_migrated_database_is_healthy(anonymous: APIClient) -> None:
    response = anonymous.get("/api/health/", HTTP_AUTHORIZATION="Bearer nonsense")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "database": "ok"})


def test_the_second_check_is_one_statement(anonymous: APIClient, django_assert_num_queries: object) -> None:
    anonymous.get("/api/health/")
    with django_assert_num_queries(1):
        anonymous.get("/api/health/")


def test_an_unapplied_migration_is_503(anonymous: APIClient) -> None:
    MigrationRecorder.Migration.objects.filter(app="blog").latest("id").delete()
    response = anonymous.get("/api/health/")
    assert response.status_code == 503
    assert response.json() == {"detail": "Unapplied migrations: 1; run `python django_app/manage.py migrate`."}


def test_a_silent_database_is_503(anonymous: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def cursor(self) -> None:
            raise DatabaseError

    monkeypatch.setattr(health, "connection", Silent())
    response = anonymous.get("/api/health/")
    assert response.status_code == 503
    assert response.json() == {"detail": "The database does not answer: check that it runs and DATABASE_URL."}
