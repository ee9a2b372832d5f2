"""What leads from a row to those at the other end of a many-to-many relation."""

import pytest

from fastapi_app.models import Post, Tag, User
from strangler_fastapi.drf.links import many_to_many, many_to_many_from


def test_the_other_end_of_a_relation_is_the_same_links() -> None:
    there, back = many_to_many(Post, "tags"), many_to_many_from(Tag, Post, "tags")
    assert (back.through, back.target, back.key) == (there.through, Post, "id")
    assert (back.source, back.other) == (there.other, there.source) == ("tag_id", "post_id")
    with pytest.raises(LookupError, match="has tags in 'tags', not users"):
        many_to_many_from(User, Post, "tags")


def test_links_of_as_many_rows_are_one_statement_with_other_values() -> None:
    links = many_to_many(Post, "tags")
    first, second, longer = links.add(1, [2, 3]), links.add(4, [5, 6]), links.add(1, [2])
    assert first.key == second.key != longer.key
    assert (first.values, second.values) == (
        {"key": 1, "other0": 2, "other1": 3},
        {"key": 4, "other0": 5, "other1": 6},
    )
