"""What a ramp touches besides its own files and the log."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from strangler.ramp.state import RouteState
from strangler.rollout.edits import Edits


class Surroundings(Protocol):
    """All that a ramp touches besides its own files."""

    def now(self) -> float:
        """Seconds since 1970."""

    def places(self, names: Sequence[str]) -> Mapping[str, RouteState]:
        """Where these routes run; one that isn't in the file is left out."""

    def move(self, edits: Edits, *, reason: str) -> None:
        """Apply these keys as `strangler switch` does.

        :raises StranglerError: it is refused, or failed and what ran before runs again.
        """

    def take_back(self, edits: Edits, *, reason: str) -> None:
        """Apply these keys as `strangler rollback` does.

        :raises StranglerError: it failed.
        """

    def clearance(self, document: Mapping[str, Any]) -> str | None:
        """Why the step of the document must not begin, such as a table that isn't as the contract says.

        Empty for nothing, None where that isn't known yet: then it is asked again a second later.
        """

    def health(self) -> str:
        """Why FastAPI isn't healthy; empty where it is, or where nobody can say."""

    def differences(self, names: Sequence[str]) -> Mapping[str, int]:
        """Answers that the shadow and the last comparison of each route have found different."""

    def hook(self, event: str, document: Mapping[str, Any]) -> None:
        """Call the hook of an event, without waiting for it."""

    def minute(self) -> int:
        """Minutes since the local midnight."""

    def say(self, sentence: str) -> None:
        """Tell the operator."""
