"""The time that a scenario takes, and which moments belong to it."""

import datetime as dt
from dataclasses import dataclass


@dataclass
class Clock:
    """The time at which the scenario runs.

    `began` is when; `slack` is how many seconds may lie between both sides writing the same: they are asked one after
    the other.
    """

    began: dt.datetime
    slack: float = 1.0

    def same(self, left: dt.datetime, right: dt.datetime) -> bool:
        """Whether both are the time of writing, or the same span of time after it."""
        if (left.microsecond == 0) != (right.microsecond == 0):
            return False  # one of them is cut to seconds
        earliest = self.began - dt.timedelta(seconds=self.slack)
        return min(left, right) >= earliest and abs((left - right).total_seconds()) <= self.slack
