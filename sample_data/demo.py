"""What the demo data is: who, how many, and when: before a fixed day, so that every seed makes the same rows."""

from datetime import UTC, datetime, timedelta

NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=730)
STAFF_NAME = "admin"
DEMO_NAMES = (STAFF_NAME, "alice", "bob")
DEMO_OTHERS = 30
DEMO_POSTS = 500
# Of one who signs in, more than any cap of a count; unkind: older with higher ids, many of one time, markup in texts.
DEMO_ARCHIVED = 1000
PUBLISHED_SHARE = 0.8
TAGS_PER_POST_MAX = 4
# What texts are drawn with.
RANDOM_SEED = 1
DEMO_PASSWORD = "strangler-demo"  # noqa: S105 - the documented password of the demo users, refused in production
# Run by either stack, so that both make the same rows.
ARCHIVED_SQL = f"""
    WITH made AS (
        INSERT INTO posts (title, content, author_id, created_at, published)
        SELECT '<b>Tied</b> &amp; "old" ' || number / 7, '<script>alert(''Nº ' || number % 11 || ' é'')</script>',
            users.id,
            '2023-11-05T01:30:00Z'::timestamptz + number % 3 * interval '1 hour', true
        FROM generate_series(1, {DEMO_ARCHIVED}) AS number JOIN users ON username = '{DEMO_NAMES[1]}'
        ORDER BY number
        RETURNING id
    )
    INSERT INTO blog_post_tags (post_id, tag_id)
    SELECT made.id, known[1 + made.id % cardinality(known)]
    FROM made, (SELECT array_agg(id ORDER BY id) FROM tags) AS every (known)
    WHERE made.id % 2 = 0 ORDER BY made.id
"""  # noqa: S608 - of the constants above
