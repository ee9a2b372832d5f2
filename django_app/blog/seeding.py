"""Demo data and bulk data. Times lie before a fixed day, so that a seed makes the same rows whenever it runs."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import F, Max

from django_app.accounts.models import User
from django_app.blog.models import Post
from django_app.blog.services import tag_ensure
from sample_data.demo import (
    ARCHIVED_SQL,
    DEMO_ARCHIVED,
    DEMO_NAMES,
    DEMO_OTHERS,
    DEMO_POSTS,
    NEWEST,
    PUBLISHED_SHARE,
    SPAN,
    STAFF_NAME,
    TAGS_PER_POST_MAX,
)
from sample_data.text import SampleText

BATCH = 5000
# The planner would take the tables for empty until autovacuum comes round.
_ANALYZE = "ANALYZE users, posts, tags, blog_post_tags"

Advance = Callable[[int], None]
PostRow = tuple[int, str, str, int, datetime, bool]


@transaction.atomic
def demo_seed(*, text: SampleText, password: str, advance: Advance) -> bool:
    """Make the demo users, some others and their posts, all or nothing.

    :returns: False where every demo user is there already; then nothing changes.
    """
    known = set(User.objects.filter(username__in=DEMO_NAMES).values_list("username", flat=True))
    missing = [name for name in DEMO_NAMES if name not in known]
    if not missing:
        return False
    for name in missing:
        create = User.objects.create_superuser if name == STAFF_NAME else User.objects.create_user
        user = create(username=name, email=f"{name}@example.com", password=password)
        User.objects.filter(pk=user.pk).update(date_joined=NEWEST - SPAN, created_at=NEWEST - SPAN)
    users_seed(number=DEMO_OTHERS, text=text, advance=advance)
    # One of them is inactive, so that comparisons can ask as such a user.
    User.objects.filter(pk=User.objects.aggregate(last=Max("pk"))["last"]).update(is_active=False)
    # Half of the posts are the demo users' own, so that whoever signs in has pages of them.
    posts_seed(number=DEMO_POSTS // 2, text=text, advance=advance, authors=DEMO_NAMES)
    posts_seed(number=DEMO_POSTS // 2, text=text, advance=advance)
    with connection.cursor() as cursor:
        cursor.execute(ARCHIVED_SQL)
        cursor.execute(_ANALYZE)
    advance(DEMO_ARCHIVED)
    return True


@transaction.atomic
def users_seed(*, number: int, text: SampleText, advance: Advance) -> None:
    """Add users who can't sign in: they share one unusable password hash, as hashing takes 50 ms each."""
    unusable = make_password(None)
    last = User.objects.aggregate(last=Max("pk"))["last"] or 0
    for start in range(last + 1, last + 1 + number, BATCH):
        numbers = range(start, min(start + BATCH, last + 1 + number))
        users = [
            User(
                username=text.username(number=position),
                email=f"user{position}@example.org",
                password=unusable,
                date_joined=NEWEST - SPAN * text.random.random(),
            )
            for position in numbers
        ]
        User.objects.bulk_create(users)
        # auto_now_add overrides what an insert gives, an update it leaves alone.
        User.objects.filter(pk__in=[user.pk for user in users]).update(created_at=F("date_joined"))
        advance(len(users))


@transaction.atomic
def posts_seed(*, number: int, text: SampleText, advance: Advance, authors: Sequence[str] = ()) -> None:
    """Add posts of all users or of the named ones, with tags, the older first, by COPY: it takes created_at as given.

    :raises LookupError: when there is no user to write them.
    """
    users = User.objects.filter(username__in=authors) if authors else User.objects.all()
    author_ids = list(users.order_by("pk").values_list("pk", flat=True))
    if not author_ids:
        raise LookupError("There is nobody to write the posts: add --users or --demo.")
    tags = sorted(tag.pk for tag in tag_ensure(names=text.tag_names))
    times = sorted(NEWEST - SPAN * text.random.random() for _ in range(number))
    for start in range(0, number, BATCH):
        batch = times[start : start + BATCH]
        rows = list(_post_rows(times=batch, authors=author_ids, text=text))
        _copy("posts", ("id", "title", "content", "author_id", "created_at", "published"), rows)
        links = [(row[0], tag) for row in rows for tag in _some(tags, text=text)]
        _copy(Post.tags.through._meta.db_table, ("post_id", "tag_id"), links)  # noqa: SLF001 - Django's documented API
        advance(len(batch))
    with connection.cursor() as cursor:
        cursor.execute(_ANALYZE)


def _post_rows(*, times: Sequence[datetime], authors: Sequence[int], text: SampleText) -> Iterator[PostRow]:
    for pk, created_at in zip(_post_ids(len(times)), times, strict=True):
        title, content = text.post()
        author = text.random.choice(authors)
        yield pk, title, content, author, created_at, text.random.random() < PUBLISHED_SHARE


def _post_ids(number: int) -> list[int]:
    query = "SELECT nextval(pg_get_serial_sequence('posts', 'id')) FROM generate_series(1, %s)"
    with connection.cursor() as cursor:
        cursor.execute(query, [number])
        return [row[0] for row in cursor.fetchall()]


def _some(tags: Sequence[int], *, text: SampleText) -> list[int]:
    return text.random.sample(tags, k=text.random.randint(0, TAGS_PER_POST_MAX))


def _copy(table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, columns))
    with connection.cursor() as cursor, cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
