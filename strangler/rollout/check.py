"""Checks of the routes file against nginx and both stacks; they change nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from strangler.errors import FailedError, StranglerError
from strangler.gateway.rendering import render_gateway
from strangler.rollout.coverage import CheckResult, Level, uncovered, unimplemented
from strangler.rollout.endpoints import ApiEndpoint, document_read, endpoints_of
from strangler.rollout.gaps import Gaps, gap_results, gaps_of
from strangler.rollout.rollout import Rollout
from strangler.routes.mistakes import RoutesError
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable


@dataclass(frozen=True, kw_only=True)
class Documents:
    """Where the stacks' OpenAPI documents are, and the Host header for Django.

    `django` may be Django's endpoints themselves, as its URL resolver has them; None where Django isn't there.
    `resolved` reads those of the resolver, since documents leave endpoints out, such as the root of a router; it is
    called where a route seems to have none.
    """

    django: str | frozenset[ApiEndpoint] | None
    fastapi: str
    host: str
    prefixes: Prefixes
    resolved: Callable[[], frozenset[ApiEndpoint]] | None = field(default=None, compare=False)

    def endpoints(self, gateway_url: str) -> tuple[Mapping[Stack, frozenset[ApiEndpoint]], Gaps, list[CheckResult]]:
        """The endpoints of each stack whose document could be read, what of them isn't ported, and what wasn't read."""
        found: dict[Stack, frozenset[ApiEndpoint]] = {}
        gaps = Gaps()
        unknown = []
        for stack, address in ((Stack.DJANGO, self.django), (Stack.FASTAPI, self.fastapi)):
            if address is None:
                continue
            if isinstance(address, frozenset):
                found[stack] = address
                continue
            try:
                document = document_read(address, gateway_url=gateway_url, host=self.host)
                found[stack] = endpoints_of(document, prefix=self.prefixes.upstream(stack))
                gaps = gaps_of(document, prefix=self.prefixes.upstream(stack)) if stack is Stack.FASTAPI else gaps
            except FailedError as error:
                unknown.append(_unknown("endpoints", f"the endpoints of {stack}: {error}"))
            except ValueError as error:
                sentence = f"the endpoints of {stack}: {address} is no OpenAPI document ({error}): pass another."
                unknown.append(_unknown("endpoints", sentence))
        return found, gaps, unknown


def check_all(rollout: Rollout, documents: Documents) -> Iterator[CheckResult]:
    """Every check, one after the other.

    :raises UsageError: there is no routes file.
    """
    try:
        table = rollout.parse(rollout.file_content())
    except RoutesError as error:
        yield from (_finding("file", mistake) for mistake in error.mistakes)
        yield CheckResult(check="file", level=Level.NOTE, sentence="the other checks need a valid file: fix it first.")
        return
    yield _ok("file", f"{rollout.file_name} is valid: {len(table.routes)} route{'s' * (len(table.routes) != 1)}.")
    yield from _check_endpoints(table, documents, rollout.gateway.url, rollout.file_name)
    yield from _attempted("running", lambda: _check_running(rollout, table))
    yield from _attempted("apply", lambda: _check_apply(rollout))


def _check_endpoints(table: RouteTable, documents: Documents, url: str, source: str) -> Iterator[CheckResult]:
    endpoints, gaps, unknown = documents.endpoints(url)
    yield from unknown
    if documents.django is None:
        sentence = "FastAPI answers both APIs without Django, whose endpoints are not looked at."
        yield CheckResult(check="endpoints", level=Level.NOTE, sentence=sentence)
        table = table.without_django
    for stack, known in endpoints.items():
        findings = list(uncovered(table, known, stack))
        yield from findings or [_ok("endpoints", f"all of {stack}'s endpoints are in the file ({len(known)}).")]
    if endpoints:
        findings = list(unimplemented(table, endpoints, source=source))
        of_django = {Stack.DJANGO: endpoints.get(Stack.DJANGO, frozenset())}
        if documents.resolved and of_django[Stack.DJANGO] and any(unimplemented(table, of_django, source=source)):
            try:
                both = {**endpoints, Stack.DJANGO: of_django[Stack.DJANGO] | documents.resolved()}
                findings = list(unimplemented(table, both, source=source))
            except StranglerError as error:
                unknown.append(_unknown("endpoints", f"the endpoints of django's URL resolver: {error}"))
                yield unknown[-1]
        yield from findings
        if not unknown and all(finding.level is Level.NOTE for finding in findings):
            yield _ok("stacks", "every route is sent to a stack that has it.")
    yield from gap_results(table, gaps)


def _check_running(rollout: Rollout, table: RouteTable) -> Iterator[CheckResult]:
    gateway = rollout.gateway
    running, current = gateway.running_version(), gateway.current()
    rendered = render_gateway(table, gateway.settings)
    if running is None:
        yield _unknown("running", f"no gateway answers at {gateway.place}: {rollout.hint}.")
    elif running != current:
        yield _finding("running", f"nginx runs version {running}, but {current} is the current one: restart nginx.")
    elif current == rendered.version and not gateway.holds(rendered):
        yield _finding(
            "running",
            f"nginx's files of version {current} were edited: strangler apply restores them.",
        )
    else:
        yield _ok("running", f"version {running} runs, and its files are unchanged.")


def _check_apply(rollout: Rollout) -> Iterator[CheckResult]:
    interrupted = rollout.folder.interrupted()
    if interrupted:
        yield _finding("apply", f"{interrupted.notice}.")
    plan = rollout.propose(rollout.file_content()).plan
    if not plan.empty:
        what = f"plan {plan.checksum} is pending ({len(plan.moves)} of {plan.total} routes would move)"
        yield _finding("apply", f"{what}: review it with strangler plan, then run strangler apply.")
    elif not interrupted:
        yield _ok("apply", "nothing is pending: the file is applied.")


def _attempted(check: str, run: Callable[[], Iterator[CheckResult]]) -> Iterator[CheckResult]:
    """The results of `run`; an error makes the check unknown."""
    try:
        yield from run()
    except StranglerError as error:
        yield _unknown(check, str(error))


def _ok(check: str, sentence: str) -> CheckResult:
    return CheckResult(check=check, level=Level.OK, sentence=sentence)


def _finding(check: str, sentence: str) -> CheckResult:
    return CheckResult(check=check, level=Level.FINDING, sentence=sentence)


def _unknown(check: str, sentence: str) -> CheckResult:
    return CheckResult(check=check, level=Level.UNKNOWN, sentence=sentence)
