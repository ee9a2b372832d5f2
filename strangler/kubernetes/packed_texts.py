"""Texts in a ConfigMap, which holds 1 MiB: small ones as they are, large ones by gzip, as `NAME.gz`."""

import base64
import gzip
import zlib
from collections.abc import Mapping
from typing import Final

from strangler.errors import UsageError
from strangler.kubernetes.manifest import Manifest

PACKED_SUFFIX: Final = ".gz"
# What all of a ConfigMap's values may have in bytes; the API server refuses more.
MOST_BYTES: Final = 1024 * 1024
# With all that stays plain beside it, below what `kubectl apply` can keep as an annotation (256 KiB).
_MOST_PLAIN_BYTES: Final = 128 * 1024
_FEWER_ROUTES: Final = "name fewer routes, one for each group of paths that move together"


def with_texts(head: Manifest, texts: Mapping[str, str]) -> Manifest:
    """The ConfigMap with these texts and no others, each packed where it is above 128 KiB."""
    data, packed = {}, {}
    for name, text in sorted(texts.items()):
        content = text.encode()
        if len(content) > _MOST_PLAIN_BYTES:
            packed[f"{name}{PACKED_SUFFIX}"] = pack(content)
        else:
            data[name] = text
    rest = {key: value for key, value in head.items() if key not in {"data", "binaryData"}}
    return rest | ({"data": data} if data else {}) | ({"binaryData": packed} if packed else {})


def texts_of(found: Manifest) -> dict[str, str]:
    """The texts of a ConfigMap by name, unpacked.

    :raises ValueError: what is packed isn't by gzip, or no text.
    """
    packed = found.get("binaryData") or {}
    unpacked = {name.removesuffix(PACKED_SUFFIX): unpack(value).decode() for name, value in packed.items()}
    return {**(found.get("data") or {}), **unpacked}


def require_room(written: Manifest, what: str, *, hint: str = _FEWER_ROUTES) -> int:
    """How many bytes a ConfigMap holds; `what` is in it, as the beginning of a sentence, and `hint` makes it smaller.

    :raises UsageError: more than the API server takes.
    """
    size = sum(len(text.encode()) for text in (written.get("data") or {}).values())
    size += sum(len(base64.b64decode(text)) for text in (written.get("binaryData") or {}).values())
    if size > MOST_BYTES:
        packed = ", packed," if "binaryData" in written else ""
        raise UsageError(f"{what} has {size:,} bytes{packed} and a ConfigMap holds {MOST_BYTES:,}", hint)
    return size


def pack(content: bytes) -> str:
    """The content by gzip, as `binaryData` has it."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def unpack(text: str) -> bytes:
    """What was packed.

    :raises ValueError: it is something else.
    """
    try:
        return gzip.decompress(base64.b64decode(text))
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error
