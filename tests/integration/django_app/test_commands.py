import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from django_app.accounts.models import User
from django_app.blog.models import Post, Tag
from sample_data.demo import DEMO_ARCHIVED, DEMO_NAMES, DEMO_OTHERS, DEMO_POSTS, NEWEST, SPAN
from tests.integration.django_app.conftest import MakePost


def run(name: str, *arguments: str) -> str:
    output = StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


def rows() -> list[tuple[object, ...]]:
    first = Post.objects.order_by("id").values_list("id", flat=True).first() or 0
    posts = Post.objects.order_by("id").values_list("id", "title", "content", "author__username", "created_at")
    return [(pk - first, *values) for pk, *values in posts]


def test_the_demo_is_complete_and_its_users_sign_in() -> None:
    assert "admin, alice, bob and 1,500 posts" in run("seed", "--demo")
    demo = {user.username: user for user in User.objects.filter(username__in=DEMO_NAMES)}
    assert all(user.check_password("strangler-demo") for user in demo.values())
    assert [name for name, user in demo.items() if user.is_staff and user.is_superuser] == ["admin"]
    assert Post.objects.count() == DEMO_POSTS + DEMO_ARCHIVED
    assert User.objects.count() == len(DEMO_NAMES) + DEMO_OTHERS
    assert 15 <= Tag.objects.count() <= 25
    assert Post.objects.filter(author__username="alice").count() > 40
    assert not Post.objects.filter(created_at__gt=NEWEST).exists()
    # More than a count that is capped, many of one time, and markup.
    archived = Post.objects.filter(created_at__lt=NEWEST - SPAN)
    assert Post.objects.filter(published=True).count() > 1000
    assert archived.values("created_at").distinct().count() == 3
    assert all("<" in title for title in archived.values_list("title", flat=True))
    assert any(not title.isascii() for title in Post.objects.values_list("title", flat=True))


def test_a_second_demo_changes_nothing() -> None:
    run("seed", "--demo")
    before = (rows(), list(User.objects.order_by("id").values()))
    assert "there already" in run("seed", "--demo")
    assert (rows(), list(User.objects.order_by("id").values())) == before


def test_bulk_posts_are_complete_rows(make_post: MakePost) -> None:
    make_post()
    run("seed", "--users", "20", "--posts", "300")
    assert (User.objects.count(), Post.objects.count()) == (21, 301)
    assert not User.objects.exclude(username="alice").get(pk=User.objects.latest("id").pk).has_usable_password()
    assert Post.objects.exclude(tags=None).exists()
    assert Post.objects.filter(published=False).exists()
    assert make_post().pk > max(Post.objects.exclude(title="Title").values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_bulk_posts_are_counted_by_the_index_alone(make_post: MakePost) -> None:
    make_post()
    run("seed", "--posts", "50")
    with connection.cursor() as cursor:
        cursor.execute("SELECT relallvisible FROM pg_class WHERE relname = 'posts'")
        assert cursor.fetchone()[0] > 0


def test_the_same_seed_makes_the_same_rows() -> None:
    made = []
    for _ in range(2):
        User.objects.all().delete()
        run("seed", "--users", "1", "--random-seed", "7")
        User.objects.update(username="only")
        run("seed", "--posts", "50", "--random-seed", "7")
        made.append(rows())
    assert made[0] == made[1]
    run("seed", "--posts", "50", "--random-seed", "8")
    assert [row[1] for row in rows()[50:]] != [row[1] for row in made[0]]


@pytest.mark.parametrize("arguments", [(), ("--posts", "-1"), ("--posts", "1")])
def test_a_seed_that_cannot_work_says_so(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"Nothing to do|There is nobody"):
        run("seed", *arguments)


def test_the_documented_password_is_refused_in_production() -> None:
    with override_settings(IS_PRODUCTION=True), pytest.raises(CommandError, match="DEMO_PASSWORD is a placeholder"):
        run("seed", "--demo")
    assert not User.objects.exists()


def test_only_old_drafts_are_pruned(make_post: MakePost) -> None:
    old_draft, old_post, new_draft = make_post(tags=["a"]), make_post(published=True), make_post()
    month_ago = timezone.now() - timedelta(days=30)
    Post.objects.filter(pk__in=[old_draft.pk, old_post.pk]).update(created_at=month_ago)
    assert run("prune_drafts", "--older-than", "29", "--dry-run") == "Would delete 1 draft.\n"
    assert Post.objects.count() == 3
    assert run("prune_drafts", "--older-than", "29") == "Deleted 1 draft.\n"
    assert set(Post.objects.all()) == {old_post, new_draft}
    assert run("prune_drafts", "--older-than", "29") == "Deleted 0 drafts.\n"


@pytest.mark.parametrize("days", ["-1", "999999999"])
def test_an_age_that_makes_no_sense_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="--older-than"):
        run("prune_drafts", "--older-than", days)


def test_user_stats_count_drafts_apart(make_post: MakePost, bob: User) -> None:
    make_post()
    make_post(published=True)
    lines = [line.split("\t") for line in run("user_stats").splitlines()]
    assert lines == [["username", "posts", "published", "drafts"], ["alice", "2", "1", "1"], ["bob", "0", "0", "0"]]
    assert json.loads(run("user_stats", "--json", "--limit", "1")) == [
        {"username": "alice", "posts": 2, "published": 1, "drafts": 1}
    ]
    assert bob.posts.count() == 0


def test_export_schema_writes_a_file_or_says_why_not(tmp_path: Path) -> None:
    target = tmp_path / "schema.json"
    assert run("export_schema", "--output", str(target)) == ""
    assert target.read_text(encoding="utf-8") == run("export_schema")
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_schema", "--output", str(tmp_path / "absent" / "schema.json"))
