"""The moves of one gateway: what runs, what would change, and the way there and back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.gateway.interface import running_version
from strangler.gateway.rendering import Rendered, render_gateway
from strangler.rollout.applying import apply_journaled, apply_recover
from strangler.rollout.history import Entry, Point, applied, operator, stands_at, utc_now
from strangler.rollout.plan import Plan, plan_make
from strangler.rollout.safety import Conditions, unproven, unsafe_reasons
from strangler.rollout.state_dir import routes_digest
from strangler.rollout.target import Target
from strangler.routes.table import RouteTable, parse_routes

# So many earlier versions stay in nginx's folder; every routes file stays, so any older one can be rendered again.
_KEPT_VERSIONS: Final = 20


@dataclass(frozen=True, kw_only=True)
class Intent:
    """Why something is applied: the command as typed, the operator's reason, and whether they insist.

    `returns_to` is the number of the entry whose state a rollback brings back.
    """

    command: str
    reason: str = ""
    force: bool = False
    returns_to: int | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A routes file that may be applied: its bytes, nginx's configuration for it, the plan, and why it is unsafe.

    `running` are the routes that it would take the place of.
    """

    content: bytes
    running: RouteTable
    rendered: Rendered
    table: RouteTable
    plan: Plan
    unsafe: tuple[str, ...]


class Rollout:
    """Plans and applies; one at a time for each gateway."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.folder = target.folder

    def entries(self) -> tuple[Entry, ...]:
        """The history, the oldest first; the last one is a start of the gateway that no command has recorded yet."""
        recorded = self.folder.history.entries()
        try:
            started = self._started(recorded)
        except FailedError:
            # The history can be read also where the gateway's engine is down.
            return recorded
        return (*recorded, started) if started else recorded

    def running(self) -> tuple[bytes, RouteTable]:
        """The routes file that was applied last, as bytes and as a table.

        :raises UsageError: nothing was applied yet.
        """
        changed = applied(self.entries())
        if not changed:
            raise UsageError(f"nothing was applied yet: {self.target.mend}.")
        last = changed[-1]
        content = self.folder.state(last.after.routes) if last.time else self.target.file_content()
        return content, self._parse_running(content)

    def recover(self) -> Entry | None:
        """Restore what ran before an interrupted apply, and record a gateway that was started anew.

        Returns the interrupted apply; None where there was none.

        :raises UnsafeError: somebody else is applying.
        :raises FailedError: what ran before can't be restored yet; the next call tries again.
        """
        with self.folder.locked():
            interrupted = apply_recover(self.target)
            self._record_start("start")
            return interrupted

    def begin(self, *, command: str) -> None:
        """Make the routes file's configuration the current one of a gateway that is about to start.

        :raises UsageError: it is no valid routes file.
        :raises FailedError: nginx refuses it.
        """
        with self.folder.locked():
            apply_recover(self.target)
            table = self.target.parse(self.target.file_content())
            rendered = render_gateway(table, self.target.gateway.settings)
            self.target.gateway.install(rendered)
            self.target.gateway.activate(rendered.version)
            self._record_start(command)

    def prepare(self, content: bytes) -> Wanted:
        """What applying `content` would do.

        :raises UsageError: it is no valid routes file.
        """
        running_content, running_table = self.running()
        table = self.target.parse(content)
        rendered = render_gateway(table, self.target.gateway.settings)
        plan = plan_make(
            running=running_table,
            wanted=table,
            ends=(running_content, self.target.file_content(), content, rendered.version.encode()),
            rendered_anew=not self.target.gateway.holds(rendered),
        )
        conditions = Conditions(
            today=utc_now().date(),
            read_only=self.target.read_only,
            proof=self.target.proof,
            sign_in=self.target.sign_in,
        )
        needed = unproven(plan)
        unsafe = unsafe_reasons(plan, conditions, needed, self.target.evidence(needed))
        return Wanted(content=content, running=running_table, rendered=rendered, table=table, plan=plan, unsafe=unsafe)

    def apply(self, content: bytes, *, checksum: str, intent: Intent) -> Entry:
        """Make `content` what runs, and the routes file; `checksum` is that of the plan that the operator has seen.

        :raises UsageError: it is no valid routes file, or no gateway runs.
        :raises UnsafeError: the plan is another by now, or might do harm and nobody insists, or another applies.
        :raises FailedError: it failed; what ran before runs again.
        """
        started = time.monotonic()
        with self.folder.locked():
            apply_recover(self.target)
            self._record_start("start")
            wanted = self.prepare(content)
            if wanted.plan.checksum != checksum:
                message = f"this is plan {wanted.plan.checksum} by now, not {checksum}: look at it with strangler plan."
                raise UnsafeError(message)
            require_safe(wanted, intent)
            if running_version(self.target.gateway.url) is None:
                raise UsageError(f"no gateway answers at {self.target.gateway.url}: {self.target.mend}.")
            self.target.gateway.install(wanted.rendered)
            self.target.grow_grants(wanted.running, wanted.table)
            entry = apply_journaled(self.target, self._entry(wanted, intent), content, started=started)
            self._prune()
            return entry

    def entry(self, number: int) -> Entry:
        """The entry whose state entry `number` left behind.

        :raises UsageError: no such entry changed anything.
        """
        changed = applied(self.entries())
        for entry in changed:
            if entry.number == number:
                return stands_at(changed, entry)
        raise UsageError(f"no {number} was applied: choose a number that strangler history shows as applied.")

    def _entry(self, wanted: Wanted, intent: Intent) -> Entry:
        moved = [change.name for change in wanted.plan.moves]
        after = Point(version=wanted.rendered.version, routes=self.folder.keep(wanted.content))
        before = replace(applied(self.entries())[-1].after, version=self.target.gateway.current() or "")
        return replace(
            _next_entry(self.folder.history.entries(), wanted.plan, after),
            time=_now_text(),
            who=operator(),
            command=intent.command,
            reason=intent.reason,
            returns_to=intent.returns_to,
            before=before,
            forced=wanted.unsafe,
            evidence={name: known.as_json() for name, known in self.target.evidence(moved).items()},
        )

    def _parse_running(self, content: bytes) -> RouteTable:
        return parse_routes(content.decode(), source="the routes that run", prefixes=self.target.prefixes)

    def _started(self, recorded: Sequence[Entry]) -> Entry | None:
        """A start of the gateway that was no apply and that no command has recorded yet."""
        if self.folder.journal_read() is not None:
            return None
        changed = applied(recorded)
        version = self.target.gateway.current()
        if version is None or (changed and changed[-1].after.version == version):
            return None
        if changed and running_version(self.target.gateway.url) not in {None, version}:
            # compose up has rendered it beside an nginx that still runs the other: an apply makes it so.
            return None
        try:
            content = self.target.file_content()
            table = self.target.parse(content)
        except UsageError:
            # A file that is no routes file is nothing that a gateway was started with.
            return None
        if render_gateway(table, self.target.gateway.settings).version != version:
            return None
        running = self._parse_running(self.folder.state(changed[-1].after.routes)) if changed else table
        plan = plan_make(running=running, wanted=table, ends=(), rendered_anew=False)
        return _next_entry(recorded, plan, Point(version=version, routes=routes_digest(content)))

    def _record_start(self, command: str) -> None:
        recorded = self.folder.history.entries()
        if started := self._started(recorded):
            self.folder.keep(self.target.file_content())
            self.folder.history.append(replace(started, time=_now_text(), who=operator(), command=command))

    def _prune(self) -> None:
        changed = applied(self.entries())
        self.target.gateway.prune({entry.after.version for entry in changed[-_KEPT_VERSIONS:]})


def _next_entry(recorded: Sequence[Entry], plan: Plan, after: Point) -> Entry:
    """The next entry of the history, which nobody has recorded yet."""
    changed = applied(recorded)
    return Entry(
        number=recorded[-1].number + 1 if recorded else 0,
        time="",
        who="",
        command="start",
        before=changed[-1].after if changed else None,
        after=after,
        changes=[change.as_json() for change in plan.changes],
    )


def _now_text() -> str:
    return utc_now().isoformat().replace("+00:00", "Z")


def require_safe(wanted: Wanted, intent: Intent) -> None:
    """Refuse a plan that might do harm, unless somebody insists and says why.

    :raises UnsafeError: lists the reasons.
    """
    if wanted.unsafe and not (intent.force and intent.reason):
        reasons = "; ".join(wanted.unsafe)
        raise UnsafeError(f"plan {wanted.plan.checksum} is refused: {reasons}. Insist with --force --reason TEXT.")
