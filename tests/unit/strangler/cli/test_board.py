"""What the board runs for a wish that is a ramp."""

import pytest

from strangler.board.moves import RAMP, Wish
from strangler.cli import board
from tests.example import example_settings


@pytest.mark.parametrize(
    ("gateway", "to", "command"),
    [
        ("local", RAMP, "ramp tags.list --reason why"),
        ("container", RAMP, "ramp tags.list --reason why --detach"),
        ("container", "pause", "ramp pause --reason why"),
    ],
)
def test_a_ramp_of_containers_is_left_to_theirs(
    gateway: str, to: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[list[str]] = []
    monkeypatch.setattr(board, "ramp_background", lambda _settings, words: begun.append(words))
    wish = Wish.parse({"route": "tags.list", "to": to, "reason": "why"})
    board._ramp_begin(example_settings(gateway=gateway), [*wish.words, "--reason", wish.reason])
    assert [" ".join(words) for words in begun] == [command]
