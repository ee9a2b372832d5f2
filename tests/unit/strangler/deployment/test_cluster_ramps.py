"""What a cluster holds of ramps is read, or refused in a sentence."""

from typing import Any
from unittest.mock import Mock

import pytest

from strangler.deployment.cluster_ramps import ClusterRamps
from strangler.errors import FailedError


@pytest.mark.parametrize(
    "broken", [{}, {"data": {"other": ""}}, {"binaryData": {"state.json.gz": "x", "events.jsonl.gz": "x"}}]
)
def test_what_nobody_has_written_so_is_refused(broken: dict[str, Any]) -> None:
    ramps = ClusterRamps(Mock(read=lambda _kind, name: {"metadata": {"name": name}, **broken}), "blog")
    with pytest.raises(FailedError, match=r"^ConfigMap strangler-ramp is no journal of a ramp: "):
        ramps.read()
    with pytest.raises(FailedError, match=r"^ConfigMap strangler-ramp-events is no log of a ramp: delete it"):
        ramps.events()
