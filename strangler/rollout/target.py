"""What moves act on: one gateway, its routes file, and what must be true before it sends a stack anything."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strangler.gateway.interface import Gateway
from strangler.rollout.evidence import Proof, RouteEvidence
from strangler.rollout.state_dir import RolloutFolder
from strangler.routes.prefixes import Prefixes
from strangler.routes.syntax import content_decode, content_read, source_name
from strangler.routes.table import RouteTable, parse_routes


def _nothing(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One gateway and what belongs to it.

    Attributes:
        gateway: nginx, wherever it runs.
        routes_file: the wanted state, which moves edit.
        prefixes: where clients find the API.
        sign_in: patterns of the names of routes that hand out tokens.
        folder: history, journal and lock.
        grow_grants: given the running and the wanted routes, lets FastAPI's role do what the wanted ones ask for.
        evidence: what is known of routes by their names.
        proof: what a route needs before FastAPI answers v1 for anybody.
        read_only: FastAPI answers every write with 503.
        mend: how to start the gateway, as the end of a sentence.
        tell: receives a sentence for what the operator should know.
    """

    gateway: Gateway
    routes_file: Path
    prefixes: Prefixes
    sign_in: Collection[str]
    folder: RolloutFolder
    grow_grants: Callable[[RouteTable, RouteTable], None]
    evidence: Callable[[Sequence[str]], Mapping[str, RouteEvidence]]
    proof: Proof
    read_only: bool
    mend: str
    tell: Callable[[str], None] = _nothing

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
        """The table that `content` says.

        :raises RoutesError: it is no valid routes file; names the lines.
        """
        return parse_routes(
            content_decode(content, source=self.file_name), source=self.file_name, prefixes=self.prefixes
        )
