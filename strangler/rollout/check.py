"""Is everything as the routes file says? Asks, and changes nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from strangler.errors import FailedError, StranglerError
from strangler.gateway.interface import running_version
from strangler.gateway.rendering import render_gateway
from strangler.rollout.coverage import CheckResult, Level, uncovered, unimplemented
from strangler.rollout.endpoints import ApiEndpoint, document_read, endpoints_of
from strangler.rollout.rollout import Rollout
from strangler.routes.mistakes import RoutesError
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable


@dataclass(frozen=True, kw_only=True)
class Documents:
    """Where the stacks' OpenAPI documents are, and the Host that Django is asked for."""

    django: str
    fastapi: str
    host: str
    prefixes: Prefixes

    def endpoints(self, gateway_url: str) -> tuple[Mapping[Stack, frozenset[ApiEndpoint]], list[CheckResult]]:
        """The endpoints of each stack that could be asked, and what could not be."""
        found: dict[Stack, frozenset[ApiEndpoint]] = {}
        unknown = []
        for stack, address in ((Stack.DJANGO, self.django), (Stack.FASTAPI, self.fastapi)):
            try:
                document = document_read(address, gateway_url=gateway_url, host=self.host)
                found[stack] = endpoints_of(document, prefix=self.prefixes.upstream(stack))
            except FailedError as error:
                unknown.append(_unknown("endpoints", f"the endpoints of {stack}: {error}"))
            except ValueError as error:
                sentence = f"the endpoints of {stack}: {address} is no OpenAPI document ({error}): name another."
                unknown.append(_unknown("endpoints", sentence))
        return found, unknown


def check_all(rollout: Rollout, documents: Documents) -> Iterator[CheckResult]:
    """Every check, one after the other.

    :raises UsageError: there is no routes file.
    """
    try:
        table = rollout.parse(rollout.file_content())
    except RoutesError as error:
        yield from (_finding("file", mistake) for mistake in error.mistakes)
        yield CheckResult(check="file", level=Level.NOTE, sentence="the other checks need a valid file: mend it first.")
        return
    yield _ok("file", f"{rollout.file_name} is valid: {len(table.routes)} route{'s' * (len(table.routes) != 1)}.")
    yield from _check_endpoints(table, documents, rollout.gateway.url, rollout.file_name)
    yield from _asked("running", lambda: _check_running(rollout, table))
    yield from _asked("apply", lambda: _check_apply(rollout))


def _check_endpoints(table: RouteTable, documents: Documents, url: str, source: str) -> Iterator[CheckResult]:
    endpoints, unknown = documents.endpoints(url)
    yield from unknown
    for stack, known in endpoints.items():
        findings = list(uncovered(table, known, stack))
        yield from findings or [_ok("endpoints", f"all of {stack}'s endpoints are in the file ({len(known)}).")]
    if endpoints:
        findings = list(unimplemented(table, endpoints, source=source))
        yield from findings
        if not unknown and all(finding.level is Level.NOTE for finding in findings):
            yield _ok("stacks", "every route is sent where it is answered.")


def _check_running(rollout: Rollout, table: RouteTable) -> Iterator[CheckResult]:
    gateway = rollout.gateway
    running, current = running_version(gateway.url), gateway.current()
    rendered = render_gateway(table, gateway.settings)
    if running is None:
        yield _unknown("running", f"no gateway answers at {gateway.url}: {rollout.hint}.")
    elif running != current:
        yield _finding("running", f"nginx runs version {running}, but {current} is the current one: start it anew.")
    elif current == rendered.version and not gateway.holds(rendered):
        yield _finding("running", f"somebody edited nginx's files of version {current}: strangler apply mends them.")
    else:
        yield _ok("running", f"version {running} runs, and its files are whole.")


def _check_apply(rollout: Rollout) -> Iterator[CheckResult]:
    interrupted = rollout.folder.interrupted()
    if interrupted:
        yield _finding("apply", f"{interrupted.notice}.")
    plan = rollout.propose(rollout.file_content()).plan
    if not plan.empty:
        what = f"{len(plan.moves)} of {plan.total} routes would move"
        yield _finding("apply", f"plan {plan.checksum} is pending ({what}): see strangler plan, then strangler apply.")
    elif not interrupted:
        yield _ok("apply", "nothing is pending: the file is what was applied.")


def _asked(check: str, ask: Callable[[], Iterator[CheckResult]]) -> Iterator[CheckResult]:
    """What `ask` finds; an error on the way leaves the check unmade."""
    try:
        yield from ask()
    except StranglerError as error:
        yield _unknown(check, str(error))


def _ok(check: str, sentence: str) -> CheckResult:
    return CheckResult(check=check, level=Level.OK, sentence=sentence)


def _finding(check: str, sentence: str) -> CheckResult:
    return CheckResult(check=check, level=Level.FINDING, sentence=sentence)


def _unknown(check: str, sentence: str) -> CheckResult:
    return CheckResult(check=check, level=Level.UNKNOWN, sentence=sentence)
