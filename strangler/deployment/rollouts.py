"""The rollout of a gateway as the settings say."""

from collections.abc import Callable, Mapping, Sequence

from strangler.errors import StranglerError, UsageError
from strangler.gateway.interface import Gateway
from strangler.local.fingerprints import Fingerprints
from strangler.rollout.endpoints import document_read
from strangler.rollout.evidence import Proof, evidence_find, evidence_path
from strangler.rollout.gaps import Gaps, gaps_of
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import RolloutState
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings

ShadowCounts = Mapping[str, Mapping[str, int]]
"""The shadow worker's counts by route."""


def rollout_assemble(
    settings: LocalSettings,
    *,
    folder: RolloutState,
    gateway: Gateway,
    shadow: Callable[[Sequence[str]], ShadowCounts],
    grow_grants: Callable[[RouteTable, RouteTable], None],
    hint: str,
) -> Rollout:
    """The rollout of `gateway`, with its history in `folder`; for the others see `Rollout`.

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
        folder=folder,
        grow_grants=grow_grants,
        evidence=lambda names: evidence_find(
            evidence_path(settings.project.state), names, proof=proof, shadow=shadow(names), digest=fingerprints.of
        ),
        proof=proof,
        read_only=settings.fastapi_read_only,
        hint=hint,
        gaps=lambda: gaps_read(settings),
    )


def gaps_read(settings: LocalSettings) -> Gaps:
    """What FastAPI's OpenAPI document says it lacks; nothing where the project file names no document."""
    if not settings.project.fastapi.openapi:
        return Gaps()
    try:
        address = document_address(settings, Stack.FASTAPI)
        document = document_read(address, gateway_url=settings.proxy_url, host=settings.probe_host)
    except StranglerError as error:
        return Gaps(unread=f"what of fastapi answers 501 isn't known ({error.message}): run strangler check")
    return gaps_of(document, prefix=settings.project.prefixes.upstream(Stack.FASTAPI))


def document_address(settings: LocalSettings, stack: Stack) -> str:
    """Where a stack's OpenAPI document is: at the service itself, or at the gateway where only that can be reached.

    :raises UsageError: the project file names none.
    """
    section, prefixes = settings.project.stack(stack), settings.project.prefixes
    if not section.openapi:
        option = f"--{stack}-schema"
        raise UsageError(
            f"the project file names no OpenAPI document of {stack}", f"add openapi or pass {option} PLACE"
        )
    if settings.gateway == "local":
        return settings.stack_url(stack) + section.openapi
    public = prefixes.v1 if stack is Stack.DJANGO else prefixes.v2
    return public + section.openapi.removeprefix(prefixes.upstream(stack))
