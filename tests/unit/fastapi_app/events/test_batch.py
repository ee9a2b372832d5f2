"""Who gets which events of a batch, and how they look."""

import json

import pytest

from fastapi_app.events.batch import BEGINNING, Batch, Heartbeat, Position
from fastapi_app.events.schemas import PostEventRead
from tests.unit.fastapi_app.events.events import ALICE, AT, BOB, CAROL, ids, make_batch, make_draft, make_event


def test_an_event_as_the_stream_has_it() -> None:
    assert make_event(5, kind="published").encoded == (
        b"event: published\n"
        b'data: {"post_id":7,"author_id":1,"published":true,"created_at":"2026-01-02T03:04:05.678900Z"}\n'
        b"id: 5\n\n"
    )


def test_the_documented_model_is_what_is_sent() -> None:
    data = json.loads(make_event(5).encoded.split(b"data: ")[1].split(b"\n")[0])
    assert PostEventRead(**data).created_at == AT
    assert set(data) == set(PostEventRead.model_fields)


@pytest.mark.parametrize(
    ("columns", "readers"),
    [
        ({"published": True, "was_published": True}, {ALICE, BOB, CAROL}),
        ({"published": True, "was_published": False}, {ALICE, BOB, CAROL}),
        ({"published": False, "was_published": True}, {ALICE, BOB, CAROL}),
        ({"published": False, "was_published": False}, {ALICE}),
        ({"published": False, "was_published": False, "was_author_id": BOB}, {ALICE, BOB}),
    ],
)
def test_who_could_see_the_post_before_or_after_hears_of_it(columns: dict[str, object], readers: set[int]) -> None:
    event = make_event(1, **columns)
    assert {user for user in (ALICE, BOB, CAROL) if event.is_visible_to(user)} == readers
    batch = make_batch(event)
    assert {user for user in (ALICE, BOB, CAROL) if batch.render(user_id=user, after=BEGINNING)} == readers


def test_everybody_gets_the_same_object_but_those_who_see_drafts_in_it() -> None:
    batch = make_batch(make_event(1), make_draft(2), make_event(3))
    assert batch.render(user_id=BOB, after=BEGINNING) is batch.render(user_id=CAROL, after=BEGINNING)
    assert ids(batch.render(user_id=BOB, after=BEGINNING)) == [1, 3]
    assert ids(batch.render(user_id=ALICE, after=BEGINNING)) == [1, 2, 3]


@pytest.mark.parametrize("user", [ALICE, BOB])
@pytest.mark.parametrize(
    ("after", "left"),
    [(BEGINNING, [1, 3, 2]), (Position(10, 1), [3, 2]), (Position(10, 3), [2]), (Position(11, 2), [])],
)
def test_what_a_client_has_heard_from_another_process_is_not_reported_again(
    user: int, after: Position, left: list[int]
) -> None:
    batch = make_batch(make_event(1), make_event(3), make_event(2, transaction=11))
    assert ids(batch.render(user_id=user, after=after)) == left


def test_a_batch_without_events_says_nothing() -> None:
    assert Batch([], Position(3, 4)).render(user_id=ALICE, after=BEGINNING) == b""


def test_a_heartbeat_carries_the_id_to_resume_from_but_never_takes_a_client_back() -> None:
    heartbeat = Heartbeat(Position(10, 5))
    assert heartbeat.render(user_id=ALICE, after=Position(10, 5)) == b": heartbeat\nid: 5\n\n"
    assert heartbeat.render(user_id=ALICE, after=Position(11, 4)) == b": heartbeat\n\n"
