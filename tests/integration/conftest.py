"""The PostgreSQL that integration tests share; in it pytest-django makes a database for each xdist worker."""

import os

import pytest
from django.db import connections

from django_app.config.database import database_settings


@pytest.fixture(scope="session")
def database_url() -> str:
    """Address of a server on which databases may be made and dropped."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.fail("TEST_DATABASE_URL is not set: give the address of a PostgreSQL for tests.")
    return url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    database_url: str,
    django_db_modify_db_settings_parallel_suffix: None,  # noqa: ARG001 - it names the worker's database
) -> None:
    settings = connections["default"].settings_dict
    kept = {"TEST": settings["TEST"], "TIME_ZONE": settings["TIME_ZONE"]}
    settings.update(database_settings(url=database_url, pool_max=4) | kept)
