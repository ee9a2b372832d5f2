"""What the database says happened to posts, after Django's own writes and after SQL of anybody's."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from django_app.accounts.models import User
from django_app.blog import migrations
from django_app.blog.models import Post, PostEvent
from django_app.blog.services import post_create, post_delete, post_publish, post_update, tag_delete, tag_ensure
from fastapi_app.events.queries import KEPT

# A transaction tells one thing about a post, so each write needs one of its own.
pytestmark = pytest.mark.django_db(transaction=True)

EventRow = tuple[str, int, bool, bool]


@pytest.fixture
def post(alice: User) -> Post:
    """Alice's draft, whose creation is not among the events read."""
    created = post_create(author=alice, title="t", content="c", tags=["a"])
    PostEvent.objects.all().delete()
    return created


def event_rows() -> list[EventRow]:
    """Kind, post, whether it was published before, whether it is now."""
    events = PostEvent.objects.all()
    return [(event.kind, event.post_id, event.was_published, event.published) for event in events]


def execute(statement: str, *values: object) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def old_events(count: int) -> None:
    """Events with the ids from 1."""
    execute(
        "INSERT INTO post_events SELECT n, 'created', n, 1, 1, true, true, 3, now() FROM generate_series(1, %s) AS n",
        count,
    )


@pytest.mark.parametrize("published", [False, True])
def test_a_new_post_with_tags_is_reported_once(alice: User, published: bool) -> None:
    post = post_create(author=alice, title="t", content="c", published=published, tags=["a", "b"])
    assert event_rows() == [("created", post.pk, published, published)]
    event = PostEvent.objects.get()
    assert (event.author_id, event.was_author_id) == (alice.pk, alice.pk)
    assert 0 <= (event.created_at - post.created_at).total_seconds() < 60


def test_publishing_is_reported_once_however_often_it_is_done(post: Post) -> None:
    post_publish(post=post)
    post_publish(post=post)
    assert event_rows() == [("published", post.pk, False, True)]


def test_a_change_is_reported_and_the_same_values_again_are_not(post: Post) -> None:
    post_update(post=post, title="other")
    post_update(post=post, title="other", tags=["a"])
    assert event_rows() == [("updated", post.pk, False, False)]


def test_taking_a_post_back_tells_that_it_was_published(post: Post) -> None:
    post_update(post=post, published=True)
    post_update(post=post, published=False)
    assert event_rows() == [("published", post.pk, False, True), ("updated", post.pk, True, False)]


@pytest.mark.parametrize("tags", [["a", "b"], [], ["c"]])
def test_other_tags_are_a_change_of_the_post(post: Post, tags: list[str]) -> None:
    post_update(post=post, tags=tags)
    assert event_rows() == [("updated", post.pk, False, False)]


def test_a_change_of_words_and_tags_together_is_reported_once(post: Post) -> None:
    post_update(post=post, title="other", published=True, tags=["b"])
    assert event_rows() == [("published", post.pk, False, True)]


def test_a_deleted_tag_is_a_change_of_its_posts(post: Post) -> None:
    tag_delete(tag=tag_ensure(names=["a"])[0])
    assert event_rows() == [("updated", post.pk, False, False)]


@pytest.mark.parametrize("published", [False, True])
def test_of_a_deleted_post_only_the_end_is_reported(post: Post, published: bool) -> None:
    Post.objects.update(published=published)
    PostEvent.objects.all().delete()
    pk = post.pk
    post_delete(post=post)
    assert event_rows() == [("deleted", pk, published, False)]


def test_a_post_that_is_hidden_and_deleted_at_once_is_reported_to_those_who_saw_it(post: Post) -> None:
    Post.objects.update(published=True)
    PostEvent.objects.all().delete()
    pk = post.pk
    with transaction.atomic():
        post_update(post=post, published=False)
        post_delete(post=post)
    assert event_rows() == [("updated", pk, True, False), ("deleted", pk, False, False)]


def test_an_authors_posts_go_with_the_author(post: Post, alice: User) -> None:
    other = post_create(author=alice, title="t", content="c", published=True, tags=["a"])
    PostEvent.objects.all().delete()
    with transaction.atomic():
        alice.delete()
    assert sorted(event_rows()) == [("deleted", post.pk, False, False), ("deleted", other.pk, True, False)]


def test_a_post_that_changes_hands_is_reported_with_both_authors(post: Post, alice: User, bob: User) -> None:
    Post.objects.update(author=bob)
    event = PostEvent.objects.get()
    assert (event.kind, event.was_author_id, event.author_id) == ("updated", alice.pk, bob.pk)
    assert event.post_id == post.pk


def test_a_statement_over_many_posts_tells_of_each_and_of_none_that_stays(post: Post, alice: User) -> None:
    others = [post_create(author=alice, title=f"{number}", content="c", published=True) for number in range(3)]
    PostEvent.objects.all().delete()
    Post.objects.update(published=True)
    assert event_rows() == [("published", post.pk, False, True)]
    PostEvent.objects.all().delete()
    Post.objects.update(content="new")
    assert [event[1] for event in event_rows()] == [post.pk, *(other.pk for other in others)]


def test_nothing_is_reported_of_what_is_rolled_back(post: Post) -> None:
    with transaction.atomic():
        post_publish(post=post)
        transaction.set_rollback(True)
    assert event_rows() == []


def test_truncate_passes_and_tells_nothing(post: Post) -> None:
    execute("TRUNCATE posts, blog_post_tags")
    assert (Post.objects.count(), event_rows()) == (0, [])
    assert post.pk


def test_the_events_of_a_transaction_bear_its_number_savepoints_or_not(alice: User) -> None:
    with transaction.atomic():
        [(number,)] = execute("SELECT pg_current_xact_id()::text::bigint")
        for _ in range(2):
            with transaction.atomic():
                post_create(author=alice, title="t", content="c")
    assert set(PostEvent.objects.values_list("transaction_id", flat=True)) == {number}


def test_what_is_far_behind_is_taken_away_now_and_then(alice: User) -> None:
    old_events(1500)
    execute("ALTER TABLE post_events ALTER COLUMN id RESTART WITH %s", KEPT + 999)
    post_create(author=alice, title="t", content="c")
    assert PostEvent.objects.count() == 1501
    post_create(author=alice, title="t", content="c")
    assert list(PostEvent.objects.values_list("id", flat=True)[:2]) == [1001, 1002]


def test_two_writers_who_take_away_at_once_do_not_wait_for_each_other(alice: User) -> None:
    execute(
        "INSERT INTO post_events SELECT n, 'created', n, 1, 1, true, true, 3, now() FROM generate_series(1, 9) AS n"
    )
    execute("ALTER TABLE post_events ALTER COLUMN id RESTART WITH %s", KEPT + 1000)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM post_events WHERE id = 1 FOR UPDATE")
            execute("SET lock_timeout = '1s'")
            post_create(author=alice, title="t", content="c")
            cursor.execute("ROLLBACK")
    finally:
        execute("RESET lock_timeout")
        other.close()
    assert list(PostEvent.objects.values_list("id", flat=True)) == [1, KEPT + 1000]


def test_a_reader_knows_how_many_the_trigger_keeps() -> None:
    migration = Path(migrations.__file__).with_name("0002_post_events.py").read_text()
    assert f"WHERE id <= last - {KEPT}\n" in migration
