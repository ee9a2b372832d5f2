"""`make test-torture`: the guard's judgement against thousands of random migrations."""

import os
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from strangler.schema.compatibility import column_rules, table_rules
from tests.guarding.properties import IGNORED, made_world, what_harms_nobody_is_called_safe, what_is_called_safe_works
from tests.guarding.world import World
from tests.shared_stack import StackAddresses

pytestmark = [pytest.mark.torture, pytest.mark.filterwarnings(IGNORED)]

SETTINGS = settings(suppress_health_check=list(HealthCheck), print_blob=True)


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


@pytest.mark.parametrize(
    ("room", "rule"),
    [
        (column_rules, "_null_written"),
        (column_rules, "_replaced"),
        (table_rules, "_checks"),
        (table_rules, "_new_uniques"),
        (table_rules, "_triggers"),
    ],
)
def test_a_rule_that_says_nothing_is_missed(
    world: World, monkeypatch: pytest.MonkeyPatch, room: ModuleType, rule: str
) -> None:
    monkeypatch.setattr(room, rule, lambda *_: iter(()))

    @given(data=st.data())
    @settings(SETTINGS, max_examples=1000, database=None, phases=[Phase.generate], report_multiple_bugs=False)
    def attack(data: st.DataObject) -> None:
        what_is_called_safe_works(world, data)

    with pytest.raises(AssertionError):
        attack()
