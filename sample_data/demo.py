"""What the demo data is: who, how many, and when: before a fixed day, so that every seed makes the same rows."""

from datetime import UTC, datetime, timedelta

NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=730)
STAFF_NAME = "admin"
DEMO_NAMES = (STAFF_NAME, "alice", "bob")
DEMO_OTHERS = 30
DEMO_POSTS = 500
PUBLISHED_SHARE = 0.8
TAGS_PER_POST_MAX = 4
# What texts are drawn with.
RANDOM_SEED = 1
DEMO_PASSWORD = "strangler-demo"  # noqa: S105 - the documented password of the demo users, refused in production
