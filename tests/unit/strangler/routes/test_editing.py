"""Edits of a routes file: what is asked for changes, and nothing else does."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.routes.editing import routes_edit
from strangler.routes.route import Stage
from tests.example import ROOT, parse_routes

DEPLOYED = (ROOT / "nginx" / "routes.toml").read_text()
NAMES = [route.name for route in parse_routes(DEPLOYED, source="deployed").routes]
ODD = """\
# head

[[route]]   # the first
path = '/a/'   # where
"name" = "a.list"
stage   =   'legacy'  # not yet
methods = [
    "GET",  # reads
]
# the end of the first

  # ---- next

[[route]]
name = "a.create"
methods = ["POST"]
stage = "parallel"
path = "/a/"
"""


def test_a_key_that_is_there_is_changed_in_place() -> None:
    edited = routes_edit(ODD, {"a.create": {"stage": "legacy"}})
    assert edited == ODD.replace('"parallel"', '"legacy"')


def test_a_new_key_goes_below_the_stage_and_not_below_the_comments_of_what_follows() -> None:
    edited = routes_edit(ODD, {"a.list": {"stage": "canary", "percent": 10, "sunset": dt.date(2027, 1, 31)}})
    expected = """stage   =   "canary"  # not yet\npercent = 10\nsunset = 2027-01-31\nmethods = ["""
    assert edited == ODD.replace("stage   =   'legacy'  # not yet\nmethods = [", expected)


def test_none_takes_a_key_away_and_a_key_that_isnt_there_is_nothing() -> None:
    edited = routes_edit(ODD, {"a.list": {"stage": "canary", "percent": 2.5}})
    assert routes_edit(edited, {"a.list": {"stage": "legacy", "percent": None, "shadow": None}}) == ODD.replace(
        "'legacy'", '"legacy"'
    )


def test_lines_that_end_as_on_windows_stay_so() -> None:
    windows = DEPLOYED.replace("\n", "\r\n")
    edited = routes_edit(windows, {"posts.list": {"stage": "canary", "percent": 10}})
    assert edited.count("\n") == edited.count("\r\n") == windows.count("\r\n") + 1


def test_routes_as_inline_tables() -> None:
    text = 'route = [{ name = "a.list", methods = ["GET"], path = "/a/", stage = "legacy" }]\n'
    edited = routes_edit(text, {"a.list": {"stage": "canary", "percent": 5}})
    (route,) = parse_routes(edited, source="test").routes
    assert (route.stage, route.percent) == (Stage.CANARY, 5)


def test_a_name_that_isnt_there() -> None:
    with pytest.raises(KeyError, match=r"posts\.nothing"):
        routes_edit(DEPLOYED, {"posts.nothing": {"stage": "legacy"}})


@pytest.mark.long
@given(
    st.dictionaries(
        st.sampled_from([name for name in NAMES if name != "events.stream"]),
        st.sampled_from([stage for stage in Stage if stage is not Stage.CANARY]),
        min_size=1,
    )
)
def test_the_file_says_what_was_asked_and_comes_back_byte_for_byte(stages: dict[str, Stage]) -> None:
    before = {route.name: route for route in parse_routes(DEPLOYED, source="before").routes}
    edited = routes_edit(DEPLOYED, {name: {"stage": str(stage)} for name, stage in stages.items()})
    after = {route.name: route for route in parse_routes(edited, source="after").routes}
    assert {name: route.stage for name, route in after.items()} == {
        name: stages.get(name, route.stage) for name, route in before.items()
    }
    assert routes_edit(edited, {name: {"stage": str(before[name].stage)} for name in stages}) == DEPLOYED
