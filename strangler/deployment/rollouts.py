"""The rollout of a gateway as the settings say."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from strangler.gateway.interface import Gateway
from strangler.local.fingerprints import Fingerprints
from strangler.rollout.evidence import Proof, evidence_find, evidence_path
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import RolloutFolder
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings

ShadowCounts = Mapping[str, Mapping[str, int]]
"""The shadow worker's counts by route."""


def rollout_assemble(
    settings: LocalSettings,
    *,
    state_dir: Path,
    gateway: Gateway,
    shadow: Callable[[Sequence[str]], ShadowCounts],
    grow_grants: Callable[[RouteTable, RouteTable], None],
    hint: str,
) -> Rollout:
    """The rollout of `gateway`, with its history in `state_dir`; for the others see `Rollout`.

    Evidence is the project's, whichever gateway moves: it is bound to the code that was compared.
    `shadow` gives the shadow worker's counts of routes by their names.
    """
    fingerprints = Fingerprints(settings)
    proof = Proof(equal=settings.evidence_equal, days=settings.evidence_days)
    return Rollout(
        gateway=gateway,
        routes_file=settings.project.routes,
        prefixes=settings.project.prefixes,
        sign_in=settings.project.sign_in_routes,
        folder=RolloutFolder(state_dir / "rollout"),
        grow_grants=grow_grants,
        evidence=lambda names: evidence_find(
            evidence_path(settings.project.state), names, proof=proof, shadow=shadow(names), digest=fingerprints.of
        ),
        proof=proof,
        read_only=settings.fastapi_read_only,
        hint=hint,
    )
