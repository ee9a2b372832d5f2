"""Two recordings of the same answers are the same text, and a replayed one holds the times of its own play."""

import base64
import datetime as dt
import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from strangler.cli.comparison_run import sides_of
from strangler.compare.case import Case, Scenario, ScenarioStep, step_digest
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.response import Headers, SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.comparison import Rules
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.differ import differences
from strangler.compare.recorded.play_times import RecordedTexts, ReplayedTexts
from strangler.compare.recorded.recording import (
    RecordedAnswer,
    RecordedRows,
    RecordedStep,
    Recording,
    scenarios_require,
)
from strangler.compare.recorded.replay import RecordedSide, below_v2_as
from strangler.compare.writes.changes import Originals, TableChanges
from strangler.compare.writes.id_mapping import Clock
from strangler.compare.writes.play import Play
from strangler.compare.writes.tables import Column, Table
from strangler.errors import UsageError
from tests.example import example_settings

BEGAN = dt.datetime(2026, 3, 4, 5, 6, 7, 250_000, tzinfo=dt.UTC)
JTI = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def token(**claims: Any) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "x"}, claims)
    ]
    return ".".join([*parts, "c2lnbmF0dXJl"])


def claims_of(text: str) -> Any:
    body = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def recorded(text: str, *, after: float = 0.4) -> str:
    texts = RecordedTexts(BEGAN)
    texts.step_ended(BEGAN + dt.timedelta(seconds=after))
    return texts.text(text)


def at(seconds: float, form: str = "%Y-%m-%dT%H:%M:%S.%fZ") -> str:
    return f"{BEGAN + dt.timedelta(seconds=seconds):{form}}"


def test_a_time_of_the_play_is_the_same_in_every_recording() -> None:
    body = f'{{"created_at":"{at(0.1)}","until":"{at(86400.3)}"}}'
    later = f'{{"created_at":"{at(7.9)}","until":"{at(86408.2)}"}}'
    assert recorded(body) == recorded(later, after=8.1)
    assert recorded(body) == '{"created_at":"2222-01-01T00:00:00.111111Z","until":"2222-01-02T00:00:00.111111Z"}'


def test_what_was_stored_before_stays() -> None:
    stored = '{"born":"1999-12-31","created_at":"2025-11-12T13:14:15.161718Z","of":"2026-03-04 05:06:00+00"}'
    assert recorded(stored) == stored


def test_a_time_is_written_as_it_was() -> None:
    texts = RecordedTexts(BEGAN)
    assert texts.text("2026-03-04 06:06:07+01") == "2222-01-01 01:00:00+01"
    assert texts.text("2026-03-04 05:06:07.25+00") == "2222-01-01 00:00:00.11+00"
    assert texts.text("2026-03-04T05:06") == "2026-03-04T05:06", "a minute that began before the play"


def test_a_token_signs_nobody_in_and_keeps_its_span() -> None:
    texts = RecordedTexts(BEGAN)
    first = token(jti=JTI, iat=int(BEGAN.timestamp()), exp=int(BEGAN.timestamp()) + 300, user_id="7")
    claims = claims_of(texts.text(f'{{"access":"{first}"}}').split('"')[3])
    assert texts.text(first).endswith(".unsigned")
    assert claims["exp"] - claims["iat"] == 300
    assert claims["user_id"] == "7"
    second = claims_of(texts.text(token(jti="9" * 8 + JTI[8:], family=JTI)))
    assert second["family"] == claims["jti"] != JTI
    assert second["jti"] != claims["jti"]
    assert texts.value(JTI) == claims["jti"], "the column says the same"


def test_of_a_salted_hash_nothing_but_its_form_is_kept() -> None:
    texts = RecordedTexts(BEGAN)
    masked = texts.value("argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo")
    assert masked == "argon2$argon2id$v=19$m=102400,t=2,p=8$xxxxxxxxxxxxxxxx$xxxxxxxxxxxxxxxx"


def test_a_replay_has_the_times_of_its_own() -> None:
    now = dt.datetime(2027, 1, 2, 3, 4, 5, 600_000, tzinfo=dt.UTC)
    texts = ReplayedTexts(now)
    text = recorded(f'["{at(0.2)}","{at(3600.4)}","2025-11-12T13:14:15.161718Z"]')
    assert json.loads(texts.text(text)) == [
        "2027-01-02T03:04:05.111111Z",
        "2027-01-02T04:04:05.111111Z",
        "2025-11-12T13:14:15.161718Z",
    ]
    moved = claims_of(texts.text(recorded(token(iat=int(BEGAN.timestamp()), exp=int(BEGAN.timestamp()) + 60))))
    assert moved == {"iat": int(now.timestamp()), "exp": int(now.timestamp()) + 60}


@pytest.mark.parametrize("body", [b"", b'{"a":1.50,"b":"\xc3\xa9"}', b'{"a": 1}', b"<p>no JSON</p>", b"\xff\xfe\x00"])
def test_a_file_gives_back_each_byte(body: bytes, tmp_path: Path) -> None:
    step = RecordedStep(
        name="GET /wares/",
        digest="d",
        answers=(RecordedAnswer(status=200, headers=(("vary", "Accept"),), body=body),),
        rows={"public.wares": RecordedRows(total=3, written=({"id": "4", "note": None},), gone=(("2",),))},
    )
    made = Recording(day="2026-03-04", links="/api", tables={"public.wares": "3 rows"}, scenarios={"a.toml": (step,)})
    made.save(tmp_path / "recorded.json")
    assert Recording.load(tmp_path / "recorded.json") == made


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 1}', '{"format": 99}', '{"format": 1, "day": "", "links": 1']
)
def test_what_is_no_recording_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "recorded.json"
    file.write_text(content)
    with pytest.raises(UsageError, match="record it anew"):
        Recording.load(file)


def test_other_cases_than_those_recorded_are_refused() -> None:
    step = ScenarioStep(case=Case(method="GET", target="/wares/?page=1"))
    known = RecordedStep(name="", digest=step_digest(step))
    made = Recording(day="", links="", tables={}, scenarios={"wares.toml": (known,)})
    scenarios_require(made, [Scenario(name="wares.toml", steps=(step,))])
    other = ScenarioStep(case=Case(method="GET", target="/wares/?page=2"))
    for scenario in (Scenario(name="wares.toml", steps=(other,)), Scenario(name="crates.toml", steps=(step,))):
        with pytest.raises(UsageError, match=rf"the cases of {scenario.name} are not those that were recorded"):
            scenarios_require(made, [scenario])


class FastApi:
    """A side that answers with these statuses in turn, and writes no row."""

    side = Side(name="fastapi", url="", links="/api")
    transactions = (1, 2)

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)

    def read(self) -> dict[Table, TableChanges]:
        return {TAGS: TableChanges()}

    def commits_refused(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def credentials_of(self, _case: Case) -> Headers:
        return ()

    def is_lent(self, _name: str) -> bool:
        return False

    async def send(self, case: Case, *, credentials: Headers = ()) -> TimedResponse:
        del case, credentials
        return TimedResponse(answer=SideResponse(status=self._statuses.pop(0), base="/api"), seconds=0.1)


TAGS = Table(
    schema="public",
    name="tags",
    partitioned=False,
    key=("id",),
    columns=(Column(name="id", type="bigint", category="N"),),
)


@pytest.mark.parametrize(
    ("ported", "outcomes"),
    [
        (
            False,
            ["unavailable", "equal", "cases that differ after a write that only the recording has"],
        ),
        (True, ["equal, 1 row", "equal", "different"]),
    ],
)
async def test_rows_of_a_write_that_is_not_ported_are_no_difference(*, ported: bool, outcomes: list[str]) -> None:
    rows = {"public.tags": RecordedRows(total=1, written=({"id": "8"},))}
    answers = [(RecordedAnswer(status=status),) for status in (201, 404, 200)]
    steps = [
        RecordedStep(name="", digest="", answers=each, rows=rows if number == 0 else {})
        for number, each in enumerate(answers)
    ]
    right, texts = FastApi(201 if ported else 501, 404, 404), ReplayedTexts(BEGAN)
    left = RecordedSide(Side(name="recorded", url="", links="/api"), (TAGS,), steps, {TAGS: TableChanges()}, texts)
    originals, rules = Originals(Mock(**{"execute.return_value": []})), Rules(DeclaredDifferences([]))
    play = Play((TAGS,), originals, (left, right), clock=Clock(BEGAN), rules=rules, is_recorded=True)
    found = []
    for recorded_step, method in zip(steps, ("POST", "GET", "GET"), strict=True):
        left.begin(recorded_step)
        step = ScenarioStep(case=Case(method=method, target="/tags/", route="tags.create"))
        played = left.without_lacking_rows(await play.step(step, (left, right), (left, right)))
        said = f", {len(played.rows)} row" if played.rows else ""
        found.append(f"{played.result.outcome}{said}" if played.result else played.skipped)
    assert found == outcomes


@pytest.mark.parametrize("below_v2", [True, False])
async def test_below_v2s_prefix_a_recorded_answer_has_the_links_that_v2s_are_compared_with(*, below_v2: bool) -> None:
    right = sides_of(None, None, [], example_settings())[1]
    left = below_v2_as(Side(name="recorded", url="", links="/api"), right)
    body = b'{"url":"http://localhost:9/api/posts/1/"}'
    step = RecordedStep(name="", digest="", answers=(RecordedAnswer(status=200, headers=(), body=body),))
    side = RecordedSide(left, (), (step,), {}, ReplayedTexts(BEGAN))
    side.begin(step)
    case = Case(method="GET", target="/posts/1/", below_v2=below_v2)
    answer, asked = (await side.send(case)).answer, right.requested_for(case)
    theirs = SideResponse(status=200, body=body, base=asked.links, own=asked.own)
    assert [each.place for each in differences(answer, theirs)] == (["$.url"] if below_v2 else [])
