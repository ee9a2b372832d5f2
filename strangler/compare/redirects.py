"""Where a redirect leads, if it stays with the side that answered it."""

from typing import Final
from urllib.parse import urljoin, urlsplit

from strangler.compare.answer import Answer
from strangler.compare.side import Side

MAX_REDIRECTS: Final = 10
_STATUSES: Final = frozenset({301, 302, 303, 307, 308})


def redirect_target(side: Side, method: str, target: str, answer: Answer) -> str | None:
    """The target that the answer sends a reader on to; None where it sends nobody, or elsewhere.

    A side that was told a public prefix names that one in place of its own (`side.links`).
    """
    location = answer.header("location")
    if answer.status not in _STATUSES or location is None or method not in {"GET", "HEAD"}:
        return None
    try:
        asked = urlsplit(side.url)
        found = urlsplit(urljoin(side.url + target, location))
        hosts = {asked.netloc, urlsplit(side.links).netloc, *_told_hosts(side)}
    except ValueError:
        return None
    if found.netloc not in hosts:
        return None
    path = found.path + (f"?{found.query}" if found.query else "")
    # The longest first: /api/v2 begins with /api.
    prefixes = sorted({asked.path, urlsplit(side.links).path}, key=len, reverse=True)
    prefix = next((each for each in prefixes if path.startswith(f"{each}/")), None)
    return None if prefix is None else path.removeprefix(prefix)


def _told_hosts(side: Side) -> set[str]:
    """What the side takes for its own address, should it be told."""
    return {text for name, text in side.headers if name.lower() == "host"}
