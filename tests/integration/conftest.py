"""The PostgreSQL that integration tests share; in it pytest-django copies a migrated database for each xdist worker."""

import pytest
from django.db import connections

from django_app.config.database import database_settings
from tests.databases import migrated_template
from tests.shared_stack import StackAddresses


@pytest.fixture(scope="session")
def database_url(stack: StackAddresses) -> str:
    """Address of a server on which databases may be made and dropped."""
    return stack.admin_dsn


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    database_url: str,
    django_db_modify_db_settings_parallel_suffix: None,  # noqa: ARG001 - it names the worker's database
) -> None:
    settings = connections["default"].settings_dict
    settings["TEST"]["TEMPLATE"] = migrated_template(database_url).name
    kept = {"TEST": settings["TEST"], "TIME_ZONE": settings["TIME_ZONE"]}
    settings.update(database_settings(url=database_url, pool_max=4) | kept)
