"""Names of columns in SQL, and the function that keeps two columns equal."""

import pytest

from strangler.modernise.sync import Half, Pair, names_replaced


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("btree (slug varchar_pattern_ops)", 'btree ("path" varchar_pattern_ops)'),
        (
            "btree (lower((slug)::text)) WHERE (slug <> 'slug')",
            """btree (lower(("path")::text)) WHERE ("path" <> 'slug')""",
        ),
        ('CHECK (("slug" > slugs))', 'CHECK (("path" > slugs))'),
        ("btree (slug(a), b::slug, c COLLATE slug)",) * 2,
        ("CHECK ((\"Slug\" = 'it''s slug'))",) * 2,
    ],
)
def test_a_name_is_replaced_where_it_is_a_column(text: str, wanted: str) -> None:
    assert names_replaced(text, lambda name: "path" if name == "slug" else name) == wanted


def test_a_pair_under_other_names_has_its_expressions_under_them() -> None:
    pair = Pair(
        schema="public",
        table="notes",
        name="n",
        base=(Half(name="stars", type="integer", made="score::integer"),),
        shadow=(Half(name="score", type="text", made="stars::text"),),
    )
    swapped = pair.renamed({"stars": "stars_old", "score": "stars"})
    assert (swapped.shadow[0].made, swapped.base[0].made) == ('"stars_old"::text', '"stars"::integer')
    assert pair.turned().turned() == pair
    assert pair.turned().assignment == '"stars" = (score::integer)::integer'
