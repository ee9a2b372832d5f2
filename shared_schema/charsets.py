"""Which character sets a request's body may be in.

Python also decodes by codecs that are no text (`bz2`: 783 bytes become gigabytes) or that take quadratic time
(`punycode`: 22 s for 1 MB); DRF refuses the first kind. Each one below takes time in proportion to the text.
"""

import codecs
from typing import Final

_NAMES: Final = (
    *("ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
    *("latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "iso8859-15"),
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "koi8-r", "koi8-u"),
    *("big5", "gbk", "gb18030", "shift_jis", "euc_jp", "euc_kr"),
)
_ALLOWED: Final = frozenset(codecs.lookup(name).name for name in _NAMES)


class UnsupportedCharsetError(ValueError):
    """A charset that no body may be in; the text is DRF's."""

    def __init__(self, name: str) -> None:
        super().__init__(f'Unsupported charset "{name}" in request Content-Type header.')


def require_text_charset(name: str) -> str:
    """The name again.

    Raises:
        UnsupportedCharsetError: Python knows it, and it is not on the list.
        LookupError: Python doesn't know it.
    """
    if codecs.lookup(name).name not in _ALLOWED:
        raise UnsupportedCharsetError(name)
    return name
