"""The routes of one gateway as they run and as they are wanted. Nothing here changes anything: `apply` does."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.gateway.interface import Gateway
from strangler.gateway.rendering import Rendered, own_version, render_gateway
from strangler.rollout.evidence import Proof, RouteEvidence
from strangler.rollout.gaps import Gaps, gap_reasons, whole_moves
from strangler.rollout.history import HistoryEntry, Point, applied, stands_at, step_back, utc_now
from strangler.rollout.plan import RoutesPlan, plan_make
from strangler.rollout.safety import Conditions, unbound_notes, unproven, unsafe_reasons
from strangler.rollout.state_dir import RolloutState, routes_digest
from strangler.routes.mistakes import RoutesError
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Route
from strangler.routes.syntax import content_decode, content_read, source_name
from strangler.routes.table import RouteTable, parse_routes


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A routes file that may be applied: its bytes, nginx's configuration for it, the plan, and why it is unsafe.

    `running` are the routes that it would replace. `notes` are what the evidence for it doesn't hold for. `whole` are
    the names of what may move alone, where others aren't ported whole.
    """

    content: bytes
    running: RouteTable
    rendered: Rendered
    table: RouteTable
    plan: RoutesPlan
    unsafe: tuple[str, ...]
    notes: tuple[str, ...]
    whole: tuple[str, ...] = ()

    def require_safe(self, *, forced: bool) -> None:
        """Refuse an unsafe plan, unless it is forced.

        :raises UnsafeError: lists the reasons.
        """
        if self.unsafe and not forced:
            reasons = "; ".join(self.unsafe)
            others = f"move the others by their names ({' '.join(self.whole)}), " if self.whole else ""
            hint = f"fix that, {others}or apply it anyway with --force --reason TEXT"
            raise UnsafeError(f"plan {self.plan.checksum} is refused as unsafe ({reasons})", hint)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One gateway and what belongs to it.

    Attributes:
        gateway: nginx, wherever it runs.
        routes_file: the wanted state, which `strangler switch` edits.
        prefixes: where clients find the API.
        sign_in: patterns of the names of routes that hand out tokens.
        folder: history, journal and lock.
        grow_grants: given the running and the wanted routes, grants FastAPI's role what the wanted ones need.
        evidence: the recorded comparisons of routes by their names.
        proof: what a route needs before FastAPI answers v1 for anybody.
        read_only: FastAPI answers every write with 503.
        hint: how to start the gateway, as an imperative.
        gaps: what of Django's endpoints FastAPI answers with 501.
    """

    gateway: Gateway
    routes_file: Path
    prefixes: Prefixes
    sign_in: Collection[str]
    folder: RolloutState
    grow_grants: Callable[[RouteTable, RouteTable], None]
    evidence: Callable[[Sequence[str]], Mapping[str, RouteEvidence]]
    proof: Proof
    read_only: bool
    hint: str
    gaps: Callable[[], Gaps] = Gaps

    def require_django(self) -> None:
        """Refuse a move where there is nothing to move between.

        :raises UsageError: the gateway runs without Django.
        """
        if self.gateway.settings.without_django:
            hint = "bring Django back with strangler up, and move them then"
            raise UsageError("the stack runs without Django, so no route moves", hint)

    @property
    def file_name(self) -> str:
        """What errors call the routes file."""
        return source_name(self.routes_file)

    def file_content(self) -> bytes:
        """The routes file as it is.

        :raises UsageError: it can't be read.
        """
        return content_read(self.routes_file, source=self.file_name)

    def parse(self, content: bytes) -> RouteTable:
        """The routes in the bytes of a routes file.

        :raises RoutesError: it is no valid routes file; names the lines.
        """
        return parse_routes(
            content_decode(content, source=self.file_name), source=self.file_name, prefixes=self.prefixes
        )

    def entries(self) -> tuple[HistoryEntry, ...]:
        """The history, the oldest first; the last one may be a start that no command has recorded yet."""
        recorded = self.folder.history.entries()
        try:
            started = self.unrecorded_start()
        except FailedError:
            # The history can be read also where the gateway's engine is down.
            return recorded
        return (*recorded, started) if started else recorded

    def entry(self, number: int | None) -> HistoryEntry:
        """The entry whose state entry `number` left behind; None is one step back from what runs.

        :raises UsageError: no such entry changed anything.
        """
        changed = applied(self.entries())
        if number is None:
            found = step_back(changed)
            message = "there is nothing to roll back to"
        else:
            found = next((stands_at(changed, entry) for entry in changed if entry.number == number), None)
            message = f"no change {number} was applied"
        if found is None:
            raise UsageError(message, "choose one that strangler history shows as applied")
        return found

    def running(self) -> tuple[bytes, RouteTable]:
        """The routes file that was applied last, as bytes and as a table.

        :raises UsageError: nothing was applied yet, or the file was changed since the gateway started with it.
        """
        changed = applied(self.entries())
        if not changed and self.gateway.current() is not None:
            what = (
                f"{self.file_name} was changed after the gateway started with it, and nothing has recorded what it was"
            )
            raise UsageError(what, "undo the change (git stash), run strangler apply, and make the change again")
        if not changed:
            raise UsageError("nothing was applied yet", self.hint)
        last = changed[-1]
        content = self.folder.state(last.after.routes) if last.time else self.file_content()
        return content, self._parse_running(content)

    def earlier(self) -> Iterator[Sequence[Route]]:
        """The routes of each state that was applied before, the newest first."""
        for entry in reversed(applied(self.entries())[:-1]):
            try:
                yield self.parse(self.folder.state(entry.after.routes)).routes
            except RoutesError:
                continue  # of other prefixes, or of an older version of the tool

    def propose(self, content: bytes) -> Proposal:
        """The proposal to apply `content`.

        :raises UsageError: it is no valid routes file.
        """
        running_content, running = self.running()
        table = self.parse(content)
        rendered = render_gateway(table, self.gateway.settings)
        plan = plan_make(
            running=running,
            wanted=table,
            ends=(running_content, self.file_content(), content, own_version(rendered.version).encode()),
            rendered_anew=not self.gateway.holds(rendered),
        )
        conditions = Conditions(
            today=utc_now().date(), read_only=self.read_only, proof=self.proof, sign_in=self.sign_in
        )
        needed, gaps = unproven(plan), self._gaps_of(plan)
        evidence = self.evidence(needed)
        return Proposal(
            content=content,
            running=running,
            rendered=rendered,
            table=table,
            plan=plan,
            unsafe=(*unsafe_reasons(plan, conditions, needed, evidence), *gap_reasons(plan, gaps)),
            notes=(*(unbound_notes(evidence) if self.proof.equal else ()), *((gaps.unread,) if gaps.unread else ())),
            whole=whole_moves(plan, gaps),
        )

    def unrecorded_start(self) -> HistoryEntry | None:
        """A start of the gateway that was no apply, such as by `docker compose up`, and that isn't in the history yet.

        :raises FailedError: the gateway can't be reached.
        """
        if self.folder.journal_read() is not None:
            return None
        changed = applied(self.folder.history.entries())
        version = self.gateway.current()
        if version is None or (changed and own_version(changed[-1].after.version) == own_version(version)):
            return None
        if changed and self.gateway.running_version() not in {None, version}:
            # compose up has rendered it beside an nginx that still runs the other: an apply makes it so.
            return None
        try:
            content = self.file_content()
            table = self.parse(content)
        except UsageError:
            # No gateway was started with an invalid routes file.
            return None
        if render_gateway(table, self.gateway.settings).version != version:
            return None
        running = self._parse_running(self.folder.state(changed[-1].after.routes)) if changed else table
        plan = plan_make(running=running, wanted=table, ends=(), rendered_anew=False)
        return self.next_entry(plan, Point(version=version, routes=routes_digest(content)))

    def next_entry(self, plan: RoutesPlan, after: Point) -> HistoryEntry:
        """The entry that would be the next of the history, without time and operator."""
        recorded = self.folder.history.entries()
        changed = applied(recorded)
        return HistoryEntry(
            number=recorded[-1].number + 1 if recorded else 0,
            time="",
            who="",
            command="start",
            before=changed[-1].after if changed else None,
            after=after,
            changes=[change.as_json() for change in plan.changes],
            notes=plan.notes,
        )

    def _gaps_of(self, plan: RoutesPlan) -> Gaps:
        """The gaps, where the plan moves anything to FastAPI."""
        return self.gaps() if any(change.towards_fastapi for change in plan.moves) else Gaps()

    def _parse_running(self, content: bytes) -> RouteTable:
        return parse_routes(content.decode(), source="the routes that run", prefixes=self.prefixes)
