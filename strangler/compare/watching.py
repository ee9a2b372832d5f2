"""Whether a side does so badly that asking on would do harm, or tell nothing."""

from collections import deque

from strangler.compare.judging import Verdict


class Watch:
    """Looks at the last `window` cases of each side.

    Args:
        names: of the left side and the right.
        share: of them that may fail, or be answered with 5xx, from 0 to 1.
        window: fewer cases than this say nothing.
    """

    def __init__(self, names: tuple[str, str], *, share: float, window: int) -> None:
        self._share = share
        self._last = {name: deque[bool](maxlen=window) for name in names}

    def look(self, verdict: Verdict) -> str:
        """Why to stop after this verdict; empty to go on."""
        for (name, last), asked in zip(self._last.items(), (verdict.left, verdict.right), strict=True):
            failed = verdict.failure is not None and verdict.failure.side == name
            if asked is None and not failed:
                continue
            last.append(failed or (asked is not None and asked.answer.status >= 500))
            if len(last) == last.maxlen and sum(last) > self._share * len(last):
                return f"{sum(last)} of the last {len(last)} answers of {name} were errors"
        return ""
