"""Places in an answer that a scenario saves from."""

import pytest

from strangler.compare.case import path_parse, value_at
from strangler.compare.json_values import ABSENT, path_text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$", ()),
        ("$.id", ("id",)),
        ("$.results[0].tags[10].name", ("results", 0, "tags", 10, "name")),
        ("$['a key']", ("a key",)),
        ('$["café"].ß', ("café", "ß")),
    ],
)
def test_a_path_is_read_and_written_back(text: str, path: tuple[str | int, ...]) -> None:
    assert path_parse(text) == path
    assert path_parse(path_text(path)) == path


@pytest.mark.parametrize("text", ["", "id", "$id", "$.", "$..id", "$[*]", "$[-1]", "$.a[", "$.1a", "$['a]"])
def test_what_is_no_simple_path_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it like \$\.id"):
        path_parse(text)


def test_what_is_not_there_is_absent() -> None:
    body = {"results": [{"id": None}]}
    assert value_at(body, ("results", 0, "id")) is None
    for path in (("results", 1), ("results", "id"), ("id",), ("results", 0, "id", "x")):
        assert value_at(body, path) is ABSENT
