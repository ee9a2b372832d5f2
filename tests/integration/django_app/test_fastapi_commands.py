"""The commands of `python -m fastapi_app` do to rows what those of manage.py do."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from django_app.accounts.models import User
from django_app.blog.models import Post, Tag
from fastapi_app.commands.command_line import run
from tests.integration.django_app.conftest import PASSWORD, MakePost

pytestmark = pytest.mark.django_db(transaction=True)

Command = Callable[..., str]


@pytest.fixture
def fastapi(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command, with `typed` as what is piped in; gives what it says."""
    own = connection.settings_dict
    address = f"postgresql://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    for name in ("DATABASE_URL", "FASTAPI_DATABASE_URL"):
        monkeypatch.setenv(name, address)
    monkeypatch.setenv("JWT_SIGNING_KEY", "a key of the tests, which signs nothing at all")

    def command(*words: str, typed: str = "", code: int = 0) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        ended = run(words)
        said = capsys.readouterr()
        assert ended == code, said.err
        return (said.err if code else said.out).strip()

    return command


def django(name: str, *words: str, **options: Any) -> str:
    output = io.StringIO()
    call_command(name, *words, stdout=output, **options)
    return output.getvalue().strip()


def test_a_superuser_is_the_same_row(fastapi: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    django("createsuperuser", username="martha", email="martha@EXAMPLE.com", interactive=False)
    said = fastapi("createsuperuser", "--username", "nathan", "--email", "nathan@EXAMPLE.com", typed=f"{PASSWORD}\n")
    assert said == "Superuser nathan created."
    one, two = User.objects.order_by("id").values()
    for name in ("date_joined", "created_at"):
        assert abs(one.pop(name) - two.pop(name)) < timedelta(minutes=5)
    assert two.pop("id") > one.pop("id")
    hashes = [row.pop("password").rsplit("$", 2)[0] for row in (one, two)]
    assert hashes[0] == hashes[1]
    assert {name: str(value).replace("martha", "nathan") for name, value in one.items()} == {
        name: str(value) for name, value in two.items()
    }
    assert User.objects.get(username="nathan").check_password(PASSWORD)


def test_a_superuser_that_the_api_would_refuse_is_refused(fastapi: Command, alice: User) -> None:
    words = ("createsuperuser", "--username", alice.username, "--email", "new@example.com")
    assert "A user with that username already exists." in fastapi(*words, typed=f"{PASSWORD}\n", code=1)
    weak = fastapi("createsuperuser", "--username", "two", "--email", "two@example.com", typed="12345678\n", code=1)
    assert "This password is too common. This password is entirely numeric." in weak
    assert "There is no password" in fastapi(*words, code=1)
    assert User.objects.count() == 1


def test_a_changed_password_is_djangos_too(fastapi: Command, alice: User) -> None:
    assert fastapi("changepassword", "alice", typed="another horse 7 battery\n") == "Password of alice changed."
    alice.refresh_from_db()
    assert alice.check_password("another horse 7 battery")
    assert fastapi("changepassword", "nobody", typed=f"{PASSWORD}\n", code=1) == "fastapi_app: There is no user nobody."


def test_the_same_drafts_are_pruned(fastapi: Command, make_post: MakePost) -> None:
    old, young, published = make_post(tags=["a"]), make_post(), make_post(published=True)
    Post.objects.exclude(pk=young.pk).update(created_at=timezone.now() - timedelta(days=40))
    words = ("--older-than", "30", "--dry-run")
    assert fastapi("prune-drafts", *words) == django("prune_drafts", *words) == "Would delete 1 draft."
    assert fastapi("prune-drafts", "--older-than", "30") == "Deleted 1 draft."
    assert sorted(Post.objects.values_list("pk", flat=True)) == [young.pk, published.pk]
    assert not Post.tags.through.objects.filter(post_id=old.pk).exists()
    assert django("prune_drafts", *words) == "Would delete 0 drafts."


def test_the_same_is_counted(fastapi: Command, make_post: MakePost, bob: User) -> None:
    for published in (True, False, True):
        make_post(published=published)
    make_post(author=bob)
    for words in ((), ("--limit", "1"), ("--json",)):
        assert fastapi("user-stats", *words) == django("user_stats", *words)
    assert fastapi("user-stats", "--limit", "1").splitlines()[1] == "alice\t3\t2\t1"


def test_the_same_tokens_are_flushed(fastapi: Command, alice: User) -> None:
    for _ in range(3):
        RefreshToken.for_user(alice).blacklist()
    first, second, kept = OutstandingToken.objects.order_by("id")
    past = timezone.now() - timedelta(seconds=1)
    OutstandingToken.objects.filter(pk__in=[first.pk, second.pk]).update(expires_at=past)
    assert fastapi("flush-expired-tokens") == "Deleted 2 expired tokens."
    assert list(OutstandingToken.objects.values_list("pk", flat=True)) == [kept.pk]
    assert list(BlacklistedToken.objects.values_list("token_id", flat=True)) == [kept.pk]
    django("flushexpiredtokens")
    assert OutstandingToken.objects.count() == 1, "Django has nothing left to do"


def test_the_demo_rows_are_the_same(fastapi: Command) -> None:
    def seeded(seed: Callable[[], str]) -> tuple[str, dict[str, list[dict[str, Any]]]]:
        """What is said, and the rows; ids count from 1 each time, for the texts are drawn by them."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE users, posts, tags RESTART IDENTITY CASCADE")
        said = seed().splitlines()[0]
        rows = {
            "users": list(User.objects.order_by("id").values()),
            "posts": list(Post.objects.order_by("id").values()),
            "tags": list(Tag.objects.order_by("id").values()),
            "links": list(Post.tags.through.objects.order_by("post_id", "tag_id").values("post_id", "tag_id")),
        }
        for user in rows["users"]:
            user["password"] = user["password"].rsplit("$", 2)[0] if "$" in user["password"] else user["password"][0]
        return said, rows

    words = ("--demo", "--users", "3", "--posts", "20", "--random-seed", "7")
    theirs = seeded(lambda: django("seed", *words))
    ours = seeded(lambda: fastapi("seed", *words))
    assert len(theirs[1]["posts"]) == 1520
    assert ours == theirs
    assert User.objects.get(username="alice").check_password("strangler-demo")
    assert fastapi("seed", "--demo") == "The demo data is there already."
    assert "Nothing to do" in fastapi("seed", code=1)


def test_the_password_that_everybody_knows_is_not_for_production(
    fastapi: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert "DEMO_PASSWORD is a placeholder" in fastapi("seed", "--demo", code=1)
    assert not User.objects.exists()
