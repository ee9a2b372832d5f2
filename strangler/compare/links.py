"""Links of two answers made alike, whichever address and prefix each was asked at."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

_ADDRESS: Final = "\0address"
_PREFIX: Final = "\0prefix"


class Links:
    """Takes the bases of both answers out of a text, so that what is left can be compared.

    Both bases are taken out of both sides: what a client wrote itself, an address of v1 in a post say, is the same in
    both answers and stays so. An address and a bare path stay different.
    """

    def __init__(self, *bases: str) -> None:
        prefixes = {urlsplit(base).path for base in bases}
        tokens = dict.fromkeys(prefixes, _PREFIX) | {base: _ADDRESS for base in bases if "://" in base}
        tokens.pop("", None)
        self._tokens = tokens
        # The longest first: /api/v2 begins with /api.
        names = "|".join(re.escape(base) for base in sorted(tokens, key=len, reverse=True))
        self._pattern = re.compile(rf"({names})(?=/)") if names else None

    def normalised(self, text: str) -> str:
        """The text with a token in place of each base that a slash follows."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._tokens[found[1]], text)


@lru_cache(maxsize=64)
def links_of(left: str, right: str) -> Links:
    """The links of two bases, made once for all answers of a pair of sides."""
    return Links(left, right)
