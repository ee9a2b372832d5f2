"""Django's signatures, of what a cookie or a row of sessions holds (`django.core.signing`, `django.utils.crypto`)."""

import base64
import binascii
import hashlib
import hmac
import json
import string
import time
import zlib
from collections.abc import Sequence
from typing import Any, Final

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
# What a session may hold once it is unpacked; a signed text can't be a bomb, yet a stolen key could make one.
_LARGEST: Final = 1_048_576


class BadSignature(Exception):
    """A text that none of the keys has signed, or that is too old."""


def salted_hmac(salt: str, value: str, key: str) -> "hmac.HMAC":
    """The HMAC of a text with a key made of `salt` and `key`, of SHA-256."""
    return hmac.new(hashlib.sha256((salt + key).encode()).digest(), value.encode(), hashlib.sha256)


def sign(value: Any, *, key: str, salt: str) -> str:  # noqa: ANN401 - any JSON
    """The text that `django.core.signing.dumps` makes of a value, compressed where that is shorter."""
    plain = json.dumps(value, separators=(",", ":")).encode("latin-1")
    packed = zlib.compress(plain)
    mark, data = (".", packed) if len(packed) < len(plain) - 1 else ("", plain)
    stamped = f"{mark}{_unpadded(data)}:{_in_base_62(int(time.time()))}"
    return f"{stamped}:{_signature(stamped, salt, key)}"


def unsign(text: str, *, keys: Sequence[str], salt: str, max_age: float | None = None) -> Any:  # noqa: ANN401 - any JSON
    """What `django.core.signing.dumps` has signed with one of the keys, not longer ago than `max_age` seconds.

    Raises:
        BadSignature: the signature is not good, it is too old, or what is signed is no JSON.
    """
    value, _, signature = text.rpartition(":")
    if not any(_is_signature(signature, value, salt, key) for key in keys):
        raise BadSignature("no key has signed this")
    packed, _, stamp = value.rpartition(":")
    try:
        if max_age is not None and time.time() - _number(stamp) > max_age:
            raise BadSignature("too old")
        return json.loads(_unpacked(packed).decode("latin-1"))
    except (ValueError, zlib.error, RecursionError):
        raise BadSignature("no JSON is signed") from None


def _is_signature(signature: str, value: str, salt: str, key: str) -> bool:
    expected = _signature(value, salt, key).encode()
    return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), expected)


def _signature(value: str, salt: str, key: str) -> str:
    return _unpadded(salted_hmac(f"{salt}signer", value, key).digest())


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _in_base_62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits or "0"


def _number(stamp: str) -> int:
    """A number in base 62."""
    number = 0
    for digit in stamp:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return number


def _unpacked(packed: str) -> bytes:
    text = packed.removeprefix(".")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if text == packed:
        return data
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(data, _LARGEST)
    if unpacker.unconsumed_tail:
        raise ValueError("more than a session may hold")
    return plain
