"""The moves of the local stack's gateway."""

from collections.abc import Callable, Sequence
from pathlib import Path

from strangler.deployment.local_gateway import native_gateway
from strangler.local.services import shadow_database
from strangler.rollout.evidence import Proof, evidence_find, evidence_path
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import RolloutFolder
from strangler.rollout.target import Target
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings


def local_rollout(
    settings: LocalSettings,
    *,
    state_dir: Path,
    grow_grants: Callable[[RouteTable, RouteTable], None],
    tell: Callable[[str], None],
) -> Rollout:
    """The moves of the stack whose state is in `state_dir`.

    :raises FailedError: there is no nginx for this machine.
    """
    proof = Proof(equal=settings.evidence_equal, days=settings.evidence_days)
    target = Target(
        gateway=native_gateway(settings, folder=state_dir / "nginx"),
        routes_file=settings.project.routes,
        prefixes=settings.project.prefixes,
        sign_in=settings.project.sign_in_routes,
        folder=RolloutFolder(state_dir / "rollout"),
        grow_grants=grow_grants,
        evidence=lambda names: evidence_find(
            evidence_path(state_dir), names, proof=proof, shadow=_shadow_counts(state_dir, names)
        ),
        proof=proof,
        read_only=settings.fastapi_read_only,
        mend="start it with make up",
        tell=tell,
    )
    return Rollout(target)


def _shadow_counts(state_dir: Path, names: Sequence[str]) -> dict[str, dict[str, int]]:
    # Here, since it brings along all that a comparison needs, and few commands ask for evidence.
    from strangler.compare.shadow.results import shadow_evidence

    return shadow_evidence(shadow_database(state_dir), names) if names else {}
