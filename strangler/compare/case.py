"""One request that both sides are asked."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request without its address and its credentials.

    Attributes:
        method: in capitals.
        target: the path below each side's base with its query, as it is sent (one byte in each character).
        headers: what the client says besides its credentials.
        body: as it is sent.
        caller: who asks, a name that was signed in; empty for nobody.
        route: the name in the routes file, empty where it isn't known.
        name: what a person calls it; empty where nobody did.
        source: where it comes from, such as `posts.toml, line 12` or `access log`.
        secrets: values that must not turn up in a report, should a stack repeat them.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    caller: str = ""
    route: str = ""
    name: str = ""
    source: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def safe(self) -> bool:
        """Whether asking changes nothing (RFC 9110, 9.2.1)."""
        return self.method in {"GET", "HEAD", "OPTIONS"}
