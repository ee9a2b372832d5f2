"""Random Django schemas, random migrations of them, random services: the guard calls safe what is safe, and only that.

The same examples each time, since this is the gate; `make test-torture` tries others, and more of them.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from tests.guarding.properties import IGNORED, made_world, what_harms_nobody_is_called_safe, what_is_called_safe_works
from tests.guarding.world import World

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings(IGNORED)]

# An example takes a tenth of a second, and says something only as a whole.
SETTINGS = settings(derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def world(database_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    name = f"guarded_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock(), made_world(admin_dsn=database_url, name=name) as world:
        yield world


@given(data=st.data())
@settings(SETTINGS, max_examples=100)
def test_what_is_called_safe_works(world: World, data: st.DataObject) -> None:
    what_is_called_safe_works(world, data)


@given(data=st.data())
@settings(SETTINGS, max_examples=20)
def test_what_harms_nobody_is_called_safe(world: World, data: st.DataObject) -> None:
    what_harms_nobody_is_called_safe(world, data)
