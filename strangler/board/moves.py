"""What an operator may do from the page: the commands' own moves, planned, confirmed and recorded as theirs are."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from strangler.errors import StalePlanError, UsageError
from strangler.rollout.apply import Intent, rollout_apply, rollout_recover
from strangler.rollout.edits import Edits, back_edits, django_edits, routes_select, switch_edits
from strangler.rollout.rollout import Proposal, Rollout
from strangler.routes.editing import routes_edit
from strangler.routes.route import Route, Stage

RAMP: Final = "ramp"
PAUSE: Final = "pause"
RESUME: Final = "resume"
ABORT: Final = "abort"
BACK: Final = "back"
ALL_BACK: Final = "all-back"
# What is asked of the ramp that is under way, and what comes of it.
_RAMP_LINES: Final = {
    PAUSE: "The ramp stays at its step, where it is watched on.",
    RESUME: "The ramp goes on from its step, watched.",
    ABORT: "The ramp ends, and its routes go back to where they were.",
}
CHOICES: Final = {
    RAMP: "ramp: raise its canary step by step, watched",
    "canary": "canary: a share of callers",
    "parallel": "parallel: v2 is FastAPI's, v1 Django's",
    "migrated": "migrated: FastAPI answers both",
    "legacy": "legacy: Django answers both",
    BACK: "back: where it last was nearer to Django",
}
_MOST_REASON: Final = 500


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants of a route, `to` one of the choices; of all routes and of the ramp without a route."""

    to: str
    route: str = ""
    percent: float | None = None
    reason: str = ""

    @classmethod
    def parse(cls, form: Mapping[str, str]) -> Self:
        """The wish of a form.

        :raises UsageError: it isn't one, or has no reason.
        """
        to, route = form.get("to", ""), form.get("route", "")
        reason = " ".join(form.get("reason", "").split())[:_MOST_REASON]
        if to not in {*CHOICES, *_RAMP_LINES, ALL_BACK} or (not route and to in CHOICES):
            raise UsageError("the form doesn't say what is wanted", "go back to the board and choose again")
        if not reason:
            raise UsageError("the reason is missing", "say why, the history keeps it")
        percent = None
        if to == Stage.CANARY:
            try:
                percent = float(form.get("percent", ""))
            except ValueError:
                percent = math.nan
            if not 0 < percent < 100:
                raise UsageError("the share of callers is missing", "write a number between 0 and 100")
        return cls(to=to, route=route, percent=percent, reason=reason)

    @property
    def words(self) -> tuple[str, ...]:
        """The command that does the same, without its reason."""
        if self.to == ALL_BACK:
            return ("rollback", "--all-to-django")
        if self.to in _RAMP_LINES:
            return ("ramp", self.to)
        if self.to == RAMP:
            return ("ramp", self.route)
        if self.to == BACK:
            return ("rollback", self.route)
        share = () if self.percent is None else ("--percent", f"{self.percent:g}")
        return ("switch", self.route, "--to", self.to, *share)

    @property
    def is_ramp(self) -> bool:
        """Whether another process does it."""
        return self.to in {RAMP, *_RAMP_LINES}

    @property
    def is_back(self) -> bool:
        """Whether it is a way back."""
        return self.to in {BACK, ALL_BACK}


@dataclass(frozen=True, kw_only=True)
class PlannedMove:
    """What would happen, in lines; `refused` are the reasons why it isn't done, `checksum` is of what was shown."""

    wish: Wish
    lines: tuple[str, ...]
    refused: tuple[str, ...]
    checksum: str


class Moves:
    """The moves of one gateway.

    Args:
        rollout: opens it anew.
        preview: gives what a command of the tool prints that changes nothing, by its words.
        begin: runs a command of the tool, until it is at work or done.
    """

    def __init__(
        self,
        *,
        rollout: Callable[[], Rollout],
        preview: Callable[[Sequence[str]], str],
        begin: Callable[[Sequence[str]], None],
    ) -> None:
        self._open = rollout
        self._preview = preview
        self._begin = begin

    def plan(self, wish: Wish) -> PlannedMove:
        """What a wish would change.

        :raises StranglerError: it can't be.
        """
        if wish.is_ramp:
            return self._ramp_plan(wish)
        rollout = self._open()
        proposal = rollout.propose(_content(rollout, wish))
        if proposal.plan.empty:
            raise UsageError("nothing would change", "it is there already")
        is_back = wish.is_back and _only_back(proposal)
        return PlannedMove(
            wish=wish,
            lines=(*proposal.plan.lines(), *(() if is_back else proposal.notes)),
            refused=() if is_back else proposal.unsafe,
            checksum=proposal.plan.checksum,
        )

    def apply(self, wish: Wish, checksum: str) -> None:
        """Do what was planned.

        :raises UnsafeError: the plan is another one by now, or refused.
        :raises StranglerError: it failed, and what ran before runs again.
        """
        if wish.is_ramp:
            if self._ramp_plan(wish).checksum != checksum:
                raise StalePlanError("the ramp would be another one by now", "look at it again")
            self._begin([*wish.words, "--reason", wish.reason])
            return
        rollout = self._open()
        rollout_recover(rollout)
        proposal = rollout.propose(_content(rollout, wish))
        # Edits that were never applied aren't lost to a way back, which replaces the file.
        found = rollout.file_content()
        if found != rollout.running()[0]:
            rollout.folder.set_aside(found)
        intent = Intent(command=" ".join(wish.words), reason=wish.reason, is_back=wish.is_back and _only_back(proposal))
        rollout_apply(rollout, proposal.content, checksum=checksum, intent=intent)

    def _ramp_plan(self, wish: Wish) -> PlannedMove:
        sentence = _RAMP_LINES.get(wish.to)
        lines = (sentence,) if sentence else tuple(self._preview([*wish.words, "--dry-run"]).splitlines())
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:10]
        return PlannedMove(wish=wish, lines=lines, refused=(), checksum=digest)


def _content(rollout: Rollout, wish: Wish) -> bytes:
    """The routes file that a wish leads to.

    :raises UsageError: the file has changes that aren't applied, or there is no such route.
    """
    content, table = rollout.running()
    if not wish.is_back and rollout.file_content() != content:
        pending = f"{rollout.routes_file.name} has changes that aren't applied"
        raise UsageError(pending, "review them with strangler plan, and run strangler apply first")
    return routes_edit(content.decode(), _edits(rollout, table.routes, wish)).encode()


def _only_back(proposal: Proposal) -> bool:
    """Whether nothing moves towards FastAPI: that is never refused."""
    return not any(change.towards_fastapi for change in proposal.plan.changes)


def _edits(rollout: Rollout, routes: Sequence[Route], wish: Wish) -> Edits:
    if wish.to == ALL_BACK:
        return django_edits(routes)
    chosen = routes_select(routes, [wish.route])
    if wish.to == BACK:
        return back_edits(chosen, rollout.earlier())
    return switch_edits(chosen, stage=Stage(wish.to), percent=wish.percent, shadow=None, fallback=None)
