"""A routes file with a mistake stops every move, and the routes that ran before go on serving."""

from collections.abc import Iterator

import httpx
import pytest

from strangler.errors import UsageError
from strangler.rollout.apply import Intent, rollout_apply, rollout_recover
from strangler.rollout.rollout import Rollout
from tests.gateways import DEPLOYED, marks
from tests.rollouts import Moves, moves
from tests.shared_stack import StackAddresses
from tests.unit.strangler.routes.test_mistakes import CASES, edited

MISTAKES = [(lines, sentence, edited(edits).encode()) for _, edits, lines, sentence in CASES]


@pytest.fixture(scope="module")
def running(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moves]:
    with moves(tmp_path_factory.mktemp("mistakes"), stack.django_url, stack.fastapi_url) as made:
        yield made


def test_the_old_routes_go_on_serving(running: Moves) -> None:
    assert len(MISTAKES) > 100
    before = running.seen()[1:]
    for lines, sentence, content in MISTAKES:
        running.file.write_bytes(content)
        for said in refusals(running.rollout, content):
            assert said.startswith(f"{running.file}, {lines}: " if lines else f"{running.file}: ")
            assert sentence in said
        rollout_recover(running.rollout)
    assert running.seen()[1:] == before
    with httpx.Client(base_url=running.nginx.url, timeout=30) as client:
        assert marks(client.get("/api/feed/")) == ("django", "feed.list")
    running.file.write_bytes(DEPLOYED.read_bytes())
    assert running.rollout.propose(running.file.read_bytes()).plan.empty


def refusals(rollout: Rollout, content: bytes) -> Iterator[str]:
    """What the plan and the apply of a file say."""
    with pytest.raises(UsageError) as caught:
        rollout.propose(rollout.file_content())
    yield str(caught.value)
    with pytest.raises(UsageError) as caught:
        rollout_apply(rollout, content, checksum="of no plan", intent=Intent(command="a test"))
    yield str(caught.value)
