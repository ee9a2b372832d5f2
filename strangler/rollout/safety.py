"""Which plans are refused as unsafe unless they are forced with a reason."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from strangler.errors import many
from strangler.rollout.evidence import A_SUCCESSFUL, NO_ROWS, Proof, RouteEvidence
from strangler.rollout.plan import RouteChange, RoutesPlan
from strangler.routes.route import Answer, Api, Stage

_LARGEST_SHARE: Final = 3


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The conditions that decide whether a plan is safe.

    Attributes:
        today: the day in UTC.
        read_only: FastAPI answers every write with 503.
        proof: what a route needs before FastAPI answers v1 for anybody.
        sign_in: patterns of the names of routes that hand out or end tokens: a broken one locks every user out.
    """

    today: dt.date
    read_only: bool
    proof: Proof
    sign_in: Collection[str]


def unsafe_reasons(
    plan: RoutesPlan, conditions: Conditions, needed: Collection[str], evidence: Mapping[str, RouteEvidence]
) -> tuple[str, ...]:
    """Why the plan is unsafe, a clause for each reason; none if it is safe.

    `needed` are its `unproven` routes, and `evidence` what comparisons and the shadow have shown of them.
    """
    reasons = [*_reasons(plan, conditions.sign_in)]
    for change in plan.moves:
        reasons.extend(_reasons_of(change, conditions))
        if change.name in needed:
            writes = change.after is not None and change.after.writes
            found = evidence.get(change.name)
            reasons.extend(_missing_proof(change.name, conditions.proof, found, writes=writes))
            reasons.extend(_shadow_differences(change.name, found))
    return tuple(reasons)


def unbound_notes(evidence: Mapping[str, RouteEvidence]) -> tuple[str, ...]:
    """What evidence isn't bound to, a sentence for each route."""
    return tuple(
        f"the comparisons of {name} hold for any code of {' and '.join(found.compared.unbound)}: "
        "add sources or version to the project file"
        for name, found in evidence.items()
        if found.compared and found.compared.unbound
    )


def unproven(plan: RoutesPlan) -> tuple[str, ...]:
    """The routes that move on to where FastAPI answers v1, and so need proof that both stacks answer alike."""
    stages = (Stage.CANARY, Stage.MIGRATED)
    return tuple(
        change.name for change in plan.moves if change.towards_fastapi and change.after and change.after.stage in stages
    )


def _missing_proof(name: str, proof: Proof, found: RouteEvidence | None, *, writes: bool) -> Iterator[str]:
    if not proof.equal:
        return
    compared = found.compared if found else None
    again = f"run strangler compare {'--writes ' if writes else ''}--route {name}"
    if compared and compared.standing:
        count = many(compared.different, "difference")
        yield f"{name} has {count} that no comparison has settled, such as {compared.standing[0]}, {again}"
    elif compared and compared.different:
        yield f"{name} differed in {compared.different} of its last {compared.last.asked} comparisons"
    elif compared and compared.changed:
        yield f"{name} was compared before {' and '.join(compared.changed)} changed, {again}"
    elif compared is None or compared.equal < proof.equal:
        equal = compared.equal if compared else 0
        found_equal = f"{many(equal, 'case')} equal in a run of the last {proof.days} days"
        yield f"{name} has {found_equal} and needs {proof.equal} different ones, {again}"
    elif compared.lacks:
        by_several = 'add a case such as as = ["nobody", "OWNER", "ANOTHER"] to its case file'
        succeeding = "add a case of it that Django answers with success"
        writing = "add a case that changes rows to its case file, or name it in rowless under [compare]"
        unsuccessful = {each for each in compared.lacks if each.startswith(A_SUCCESSFUL)}
        hints = [succeeding] if unsuccessful else []
        hints += [by_several] if {*compared.lacks} - {NO_ROWS} - unsuccessful else []
        hints += [writing] if NO_ROWS in compared.lacks else []
        yield (f"{name} was compared without {' and without '.join(compared.lacks)}, {' and '.join(hints)} and {again}")


def _shadow_differences(name: str, found: RouteEvidence | None) -> Iterator[str]:
    """What real requests have shown stands until somebody has looked at it, whatever cases say."""
    counts = found.shadow if found and found.shadow else {}
    if different := counts.get("different", 0):
        asked = counts.get("asked", different)
        yield (
            f"{name} differed in {different} of {asked} sampled requests, run strangler shadow {name} --differences, "
            "and with --reset once they are dealt with"
        )


def _reasons(plan: RoutesPlan, sign_in: Collection[str]) -> Iterator[str]:
    moved = plan.moves
    if len(moved) > 1 and len(moved) * _LARGEST_SHARE > plan.total:
        yield f"it moves {len(moved)} of {plan.total} routes, more than a third"
    guarded = [change.name for change in plan.changes if any(fnmatchcase(change.name, each) for each in sign_in)]
    if guarded:
        yield f"it touches sign-in ({', '.join(guarded)})"


def _reasons_of(change: RouteChange, conditions: Conditions) -> Iterator[str]:
    route = change.after
    if route is None:
        return
    if change.forward > 1:
        skipped = list(Stage)[route.stage.position - change.forward + 1 : route.stage.position]
        yield f"{change.name} skips {' and '.join(skipped)}"
    if route.stage is Stage.RETIRED and (route.sunset is None or route.sunset > conditions.today):
        when = f"before its sunset on {route.sunset}" if route.sunset else "without a sunset date"
        yield f"{change.name} is retired {when}"
    if route.writes and conditions.read_only and any(route.stage.answers(api) is not Answer.DJANGO for api in Api):
        yield f"{change.name} writes, and FastAPI answers every write with 503 while FASTAPI_READ_ONLY=1"
