"""How a process ended, in words."""

import pytest

from strangler.local.ending import ending_text


@pytest.mark.parametrize(
    ("code", "text"), [(0, "ended with code 0"), (1, "ended with code 1"), (-15, "was ended by SIGTERM")]
)
def test_an_end_is_in_words(code: int, text: str) -> None:
    assert ending_text(code) == text
