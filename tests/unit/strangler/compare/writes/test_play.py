"""Answers that differ in nothing but ids, times and tokens."""

import datetime as dt
from contextlib import AbstractContextManager, nullcontext
from unittest.mock import Mock

import pytest

from strangler.compare.case import Case, ScenarioStep
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.errors import RequestError
from strangler.compare.client.response import Headers, RequestLinks, SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.comparison import Rules
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.differ import differences, links_of
from strangler.compare.writes.adopted_rows import WrittenRows
from strangler.compare.writes.changes import Originals, TableChanges
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, IdMapping, NewRow
from strangler.compare.writes.play import Play, is_same
from strangler.compare.writes.tables import Table

POSTS = Table(schema="public", name="posts", partitioned=False, key=("id",), columns=())


@pytest.fixture
def roles() -> IdMapping:
    """Post 8 of the left side is 9 of the right."""
    roles = IdMapping(Clock(dt.datetime.now(dt.UTC)))
    roles.learn(POSTS, LEFT, ("8",), NewRow("posts", 1, 1))
    roles.learn(POSTS, RIGHT, ("9",), NewRow("posts", 1, 1))
    return roles


def found(roles: IdMapping, left: str, right: str, *, location: tuple[str, str] = ("", "")) -> list[str]:
    answers = [
        SideResponse(status=201, body=text.encode(), base=base, headers=(("location", where),))
        for text, base, where in zip((left, right), ("/api", "/api/v2"), location, strict=True)
    ]
    links = links_of("/api", "/api/v2")
    return [each.place for each in differences(*answers) if not is_same(each, links, roles)]


def test_the_id_of_the_new_row_is_the_same_in_body_links_and_headers(roles: IdMapping) -> None:
    left, right = '{"id":8,"url":"/api/posts/8/","n":1}', '{"id":9,"url":"/api/v2/posts/9/","n":1}'
    assert found(roles, left, right, location=("/api/posts/8/", "/api/v2/posts/9/")) == []


def test_what_else_differs_stays(roles: IdMapping) -> None:
    assert found(roles, '{"id":8,"n":1}', '{"id":9,"n":2}') == ["$.n"]
    assert found(roles, '{"id":8,"n":1}', '{"id":9}') == ["$.n"]
    assert found(roles, '{"id":8,"n":1}', '{"n":1,"id":9}') == ["$"]
    assert found(roles, '{"id":8}', '{"id":"9"}') == ["$.id"]
    assert found(roles, '{"id":8}', '{"id":9}', location=("/api/posts/8/", "/api/posts/7/")) == ["header location"]


def test_another_way_to_write_the_same_is_a_difference(roles: IdMapping) -> None:
    assert found(roles, '{"id":8,"t":"é"}', '{"id":9,"t":"\\u00e9"}') == ["body"]
    assert found(roles, '{"id":8}', '{"id": 9}') == ["body"]


class NoRows:
    """A database without tables."""

    transactions = (1, 2)

    def read(self) -> dict[Table, TableChanges]:
        return {}

    def commits_refused(self) -> AbstractContextManager[None]:
        return nullcontext()


class Nobody:
    async def credentials_of(self, _case: Case) -> Headers:
        return ()

    def is_lent(self, _name: str) -> bool:
        return False


class Signed:
    """Somebody with the same token on both sides, since it stands in a table of both or is lent."""

    def __init__(self, *, lent: bool) -> None:
        self._lent = lent

    async def credentials_of(self, _case: Case) -> Headers:
        return (("Authorization", "Token of-alice"),)

    def is_lent(self, _name: str) -> bool:
        return self._lent


class Answering:
    """A side that answers with these statuses in turn."""

    def __init__(self, name: str, *statuses: int) -> None:
        self.side = Side(name=name, url="http://127.0.0.1", links="/api")
        self.left_over = list(statuses)

    async def send(self, case: Case, *, credentials: Headers = ()) -> TimedResponse:
        del case, credentials
        return TimedResponse(answer=SideResponse(status=self.left_over.pop(0), base="/api"), seconds=0.1)


async def test_what_is_not_ported_is_not_written_by_the_left_side() -> None:
    """It would alone have rows that later answers show."""
    originals, rules = Originals(Mock()), Rules(DeclaredDifferences([]))
    play = Play((), originals, (NoRows(), NoRows()), clock=Clock(dt.datetime.now(dt.UTC)), rules=rules)
    left, right = Answering("django", 400, 204, 201), Answering("fastapi", 400, 501, 204, 501, 201)
    outcomes = []
    for route in (*["tags.unused"] * 4, "tags.create"):
        step = ScenarioStep(case=Case(method="POST", target="/tags/unused/", route=route), save=(("tag", "$.id"),))
        played = await play.step(step, (left, right), (Nobody(), Nobody()))
        assert played.result
        outcomes.append(f"{played.result.outcome} {played.result.failure or ''}".strip())
    unported = "unavailable fastapi answered 501"
    # The left side was not asked where the right one hasn't ported it, whatever that refused or did before.
    assert outcomes == ["equal", unported, "equal", unported, "equal"]
    assert not left.left_over
    step = ScenarioStep(case=Case(method="GET", target="/tags/{tag}/", route="tags.retrieve"))
    played = await play.step(step, (left, right), (Nobody(), Nobody()))
    assert played.skipped == "cases that need what an earlier one makes, which isn't ported"


class Silent(Answering):
    """A side whose answer never comes."""

    async def send(self, case: Case, *, credentials: Headers = ()) -> TimedResponse:
        del case, credentials
        raise RequestError(self.side.name, "did not answer in time")


async def test_a_write_that_the_right_side_does_not_answer_is_sent_to_the_left_one_too() -> None:
    """The right side may have written before it failed."""
    play = Play(
        (),
        Originals(Mock()),
        (NoRows(), NoRows()),
        clock=Clock(dt.datetime.now(dt.UTC)),
        rules=Rules(DeclaredDifferences([])),
    )
    left = Answering("django", 201)
    step = ScenarioStep(case=Case(method="POST", target="/tags/", route="tags.create"))
    played = await play.step(step, (left, Silent("fastapi")), (Nobody(), Nobody()))
    assert played.result
    assert str(played.result.failure) == "fastapi did not answer in time"
    assert not left.left_over


class Linking(Answering):
    """A side that answers with a link to a new row, in the body and as its location."""

    def __init__(self, prefix: str, key: int, *, named: str) -> None:
        super().__init__(prefix)
        own = RequestLinks(host="h:9", prefix=prefix, paths=("/posts",))
        text = f'{{"id":{key},"url":"http://h:9{named}/posts/{key}/","path":"{prefix}/posts/{key}/"}}'
        headers = (("location", f"{named}/posts/{key}/"),)
        self._answer = SideResponse(status=201, headers=headers, body=text.encode(), base=prefix, own=own)

    async def send(self, case: Case, *, credentials: Headers = ()) -> TimedResponse:
        del case, credentials
        return TimedResponse(answer=self._answer, seconds=0.1)


@pytest.mark.parametrize(
    ("named", "places"), [("/api/v2", []), ("/api", ["header location", "$.url"])], ids=["v2", "v1"]
)
async def test_below_v2s_prefix_links_to_new_rows_name_v2(named: str, places: list[str]) -> None:
    play = Play(
        (),
        Originals(Mock()),
        (NoRows(), NoRows()),
        clock=Clock(dt.datetime.now(dt.UTC)),
        rules=Rules(DeclaredDifferences([])),
    )
    for side, key in ((LEFT, "8"), (RIGHT, "9")):
        play._mapping.learn(POSTS, side, (key,), NewRow("posts", 1, 1))
    step = ScenarioStep(case=Case(method="POST", target="/posts/", route="posts.create", below_v2=True))
    sides = Linking("/api", 8, named="/api"), Linking("/api/v2", 9, named=named)
    played = await play.step(step, sides, (Nobody(), Nobody()))
    assert played.result
    assert [each.place for each in played.result.found] == places


@pytest.mark.parametrize("lent", [False, True])
async def test_rows_of_a_sign_in_are_written_to_the_other_side_only_where_that_has_none(*, lent: bool) -> None:
    """Whoever has signed in on both may have the same token there, and what only one side wrote is a difference."""
    adopted: list[WrittenRows] = []
    play = Play(
        (),
        Originals(Mock()),
        (NoRows(), NoRows()),
        clock=Clock(dt.datetime.now(dt.UTC)),
        rules=Rules(DeclaredDifferences([])),
        adopt=adopted.append,
    )
    step = ScenarioStep(case=Case(method="GET", target="/posts/", route="posts.list", caller="alice"))
    sides, callers = (Answering("django", 200), Answering("fastapi", 200)), (Signed(lent=False), Signed(lent=lent))
    assert (await play.step(step, sides, callers)).result
    assert len(adopted) == lent
