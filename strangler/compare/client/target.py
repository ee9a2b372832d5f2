"""One of the two that are compared."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Side:
    """A stack, or any server that answers the same requests.

    Attributes:
        name: what a person calls it, such as `django` or `left`.
        url: the base address, without a trailing slash; a case's target is put behind it.
        links: what links in its answers begin with, a prefix or an address with one.
        headers: what every request says to it besides the case's own headers.
        stack: who must have answered where a gateway says so (`X-Served-By`); empty where nobody is asked for.
    """

    name: str
    url: str
    links: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    stack: str = ""
