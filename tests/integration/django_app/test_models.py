from django.core.management import call_command
from django.db import connection


def test_the_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_tables_bear_the_names_of_the_contract() -> None:
    tables = {"users", "posts", "tags", "blog_post_tags", "token_blacklist_outstandingtoken"}
    assert tables <= set(connection.introspection.table_names())


def test_the_newest_posts_come_from_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'posts'")
        names = {row[0] for row in cursor.fetchall()}
    assert {"posts_newest", "posts_newest_of_author", "posts_newest_published"} <= names
