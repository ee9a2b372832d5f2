"""`make torture`: the guard's judgement against thousands of random migrations."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from tests.guarding.properties import IGNORED, made_world, what_harms_nobody_is_called_safe, what_is_called_safe_works
from tests.guarding.world import World
from tests.shared_stack import StackAddresses

pytestmark = [pytest.mark.torture, pytest.mark.filterwarnings(IGNORED)]

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@pytest.fixture(scope="module")
def world(stack: StackAddresses, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), made_world(admin_dsn=stack.admin_dsn, name=f"guarded_{os.getpid()}") as world:
        yield world


@given(data=st.data())
@settings(SETTINGS, max_examples=3000)
def test_what_is_called_safe_works(world: World, data: st.DataObject) -> None:
    what_is_called_safe_works(world, data)


@given(data=st.data())
@settings(SETTINGS, max_examples=1000)
def test_what_harms_nobody_is_called_safe(world: World, data: st.DataObject) -> None:
    what_harms_nobody_is_called_safe(world, data)
