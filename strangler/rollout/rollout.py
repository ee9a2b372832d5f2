"""The moves of one gateway: what runs, what would change, and the way there and back."""

import time
from dataclasses import dataclass, replace
from typing import Final

from strangler.errors import UnsafeError, UsageError
from strangler.gateway.interface import running_version
from strangler.gateway.rendering import Rendered, render_gateway
from strangler.rollout.applying import apply_journaled, apply_recover
from strangler.rollout.history import Entry, Point, applied, operator, stands_at, utc_now
from strangler.rollout.plan import Plan, plan_make
from strangler.rollout.safety import Conditions, unproven, unsafe_reasons
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
        """The history, the oldest first."""
        return self.folder.history.entries()

    def running(self) -> tuple[bytes, RouteTable]:
        """The routes file that was applied last, as bytes and as a table.

        :raises UsageError: nothing was applied yet.
        """
        changed = applied(self.entries())
        if not changed:
            raise UsageError(f"nothing was applied yet: {self.target.mend}.")
        content = self.folder.state(changed[-1].after.routes)
        return content, parse_routes(content.decode(), source="the routes that run", prefixes=self.target.prefixes)

    def ready(self) -> None:
        """Bring back what ran before an apply that was cut off, and take notice of a gateway that was started anew.

        :raises UnsafeError: somebody else is applying.
        """
        with self.folder.locked():
            apply_recover(self.target)
            self._adopt("start")

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
            self._adopt(command)

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
            self._entry_new(intent.command, wanted.plan, after),
            reason=intent.reason,
            returns_to=intent.returns_to,
            before=before,
            forced=wanted.unsafe,
            evidence={name: known.as_json() for name, known in self.target.evidence(moved).items()},
        )

    def _entry_new(self, command: str, plan: Plan, after: Point) -> Entry:
        """The next entry of the history, by whoever calls now."""
        entries = self.entries()
        changed = applied(entries)
        return Entry(
            number=entries[-1].number + 1 if entries else 0,
            time=utc_now().isoformat().replace("+00:00", "Z"),
            who=operator(),
            command=command,
            before=changed[-1].after if changed else None,
            after=after,
            changes=[change.as_json() for change in plan.changes],
        )

    def _adopt(self, command: str) -> None:
        """Record the routes file as applied where the gateway was started with it, and not by an apply."""
        changed = applied(self.entries())
        version = self.target.gateway.current()
        if version is None or (changed and changed[-1].after.version == version):
            return
        if changed and running_version(self.target.gateway.url) not in {None, version}:
            # compose up has rendered it beside an nginx that still runs the other: an apply makes it so.
            return
        try:
            content = self.target.file_content()
            table = self.target.parse(content)
        except UsageError:
            # A file that is no routes file is nothing that a gateway was started with.
            return
        if render_gateway(table, self.target.gateway.settings).version != version:
            return
        running = self.running()[1] if changed else table
        plan = plan_make(running=running, wanted=table, ends=(), rendered_anew=False)
        after = Point(version=version, routes=self.folder.keep(content))
        self.folder.history.append(self._entry_new(command, plan, after))

    def _prune(self) -> None:
        changed = applied(self.entries())
        self.target.gateway.prune({entry.after.version for entry in changed[-_KEPT_VERSIONS:]})


def require_safe(wanted: Wanted, intent: Intent) -> None:
    """Refuse a plan that might do harm, unless somebody insists and says why.

    :raises UnsafeError: lists the reasons.
    """
    if wanted.unsafe and not (intent.force and intent.reason):
        reasons = "; ".join(wanted.unsafe)
        raise UnsafeError(f"plan {wanted.plan.checksum} is refused: {reasons}. Insist with --force --reason TEXT.")
