"""The rollout of a gateway as the settings say; the local stack's own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from strangler.gateway.interface import Gateway
from strangler.rollout.evidence import Proof, evidence_find, evidence_path
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import RolloutFolder
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings

ShadowCounts = Mapping[str, Mapping[str, int]]
"""What the shadow has counted of each route."""


def rollout_assemble(
    settings: LocalSettings,
    *,
    state_dir: Path,
    gateway: Gateway,
    shadow: Callable[[Sequence[str]], ShadowCounts],
    grow_grants: Callable[[RouteTable, RouteTable], None],
    hint: str,
) -> Rollout:
    """The rollout of `gateway`, with its history and evidence in `state_dir`; for the others see `Rollout`.

    `shadow` gives what the shadow has counted of routes by their names.
    """
    proof = Proof(equal=settings.evidence_equal, days=settings.evidence_days)
    return Rollout(
        gateway=gateway,
        routes_file=settings.project.routes,
        prefixes=settings.project.prefixes,
        sign_in=settings.project.sign_in_routes,
        folder=RolloutFolder(state_dir / "rollout"),
        grow_grants=grow_grants,
        evidence=lambda names: evidence_find(evidence_path(state_dir), names, proof=proof, shadow=shadow(names)),
        proof=proof,
        read_only=settings.fastapi_read_only,
        hint=hint,
    )


def local_rollout(
    settings: LocalSettings,
    *,
    state_dir: Path,
    grow_grants: Callable[[RouteTable, RouteTable], None],
) -> Rollout:
    """The rollout of the stack whose state is in `state_dir`.

    :raises FailedError: there is no nginx for this machine.
    """
    # Here, since the image of the tool has no servers, and assembles the containers' rollout alone.
    from strangler.deployment.local_gateway import native_gateway

    return rollout_assemble(
        settings,
        state_dir=state_dir,
        gateway=native_gateway(settings, folder=state_dir / "nginx"),
        shadow=lambda names: _shadow_counts(state_dir, names),
        grow_grants=grow_grants,
        hint="start it with strangler up",
    )


def _shadow_counts(state_dir: Path, names: Sequence[str]) -> ShadowCounts:
    # Here, since it imports all that a comparison needs, and few commands need evidence.
    from strangler.compare.shadow.results import shadow_evidence
    from strangler.local.services import shadow_database

    return shadow_evidence(shadow_database(state_dir), names) if names else {}
