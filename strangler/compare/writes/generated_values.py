"""Texts that two servers generate differently: salted hashes, tokens, random names, and the time of writing."""

import base64
import binascii
import datetime as dt
import re
from typing import Final

from strangler.compare.json_values import NotJsonError, json_parse
from strangler.compare.redaction import MASK

_HASH: Final = re.compile(r"[a-z][a-z0-9_]*\$[^\s]{10,}")
_HASH_RANDOM: Final = re.compile(r"[\w+/.-]{10,}={0,2}", re.ASCII)
_JWT: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# What django.core.signing writes: a payload, the time, and a signature.
_SIGNED: Final = re.compile(r"([\w.=-]+):\w{4,8}:[\w-]{27,86}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE)
_RANDOM: Final = (re.compile(r"[0-9a-f]{20,}"), re.compile(r"[0-9a-z]{20,}"), re.compile(r"[\w-]{20,}", re.ASCII))
_TURNS: Final = re.compile(r"(?<=[0-9])[A-Za-z]|(?<=[A-Za-z])[0-9]")
# Words of a person turn from letters to digits and back less often.
_FEWEST_TURNS: Final = 3
# What Django's storages put behind a name that is taken.
_STORED: Final = re.compile(r"(.*)_([A-Za-z0-9]{7})((?:\.\w+)?)", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?(Z|[+-]\d\d(:?\d\d)?))?")
_DIGIT: Final = re.compile(r"\d")


def hash_parameters(text: str) -> str | None:
    """A salted hash as Django writes it, without its salt and its sum; None if the text is none."""
    parts = text.split("$")
    if not _HASH.fullmatch(text) or len(parts) <= 2:
        return None
    return "$".join([parts[0], *(MASK if _HASH_RANDOM.fullmatch(part) else part for part in parts[1:])])


def hash_without_random(text: str) -> str | None:
    """The salted hash with x for each character of its salt and its sum; None if the text is none."""
    if hash_parameters(text) is None:
        return None
    first, *parts = text.split("$")
    return "$".join([first, *("x" * len(part) if _HASH_RANDOM.fullmatch(part) else part for part in parts)])


def hashes_same(left: str, right: str) -> bool:
    """Whether both were hashed by the same algorithm with the same parameters, to sums of the same length."""
    parameters = hash_parameters(left)
    return parameters is not None and parameters == hash_parameters(right) and len(left) == len(right)


def token_parts(text: str) -> list[object] | None:
    """The header and the claims of a JSON Web Token; None if the text is none."""
    if not _JWT.fullmatch(text):
        return None
    try:
        return [_decoded(part) for part in text.split(".")[:2]]
    except (binascii.Error, ValueError, NotJsonError):
        return None


def signed_payload(text: str) -> str | None:
    """What stands in a text that `django.core.signing` has dated and signed; None if it is none."""
    found = _SIGNED.fullmatch(text)
    return found[1] if found else None


def stored_alike(left: str, right: str) -> bool:
    """Whether both are one name with letters that Django's storages put behind it, since it is taken."""
    ours, theirs = _STORED.fullmatch(left), _STORED.fullmatch(right)
    if ours is None or theirs is None or (ours[1], ours[3]) != (theirs[1], theirs[3]):
        return False
    # Letters of chance may look like a word or a number; hardly both sides' do.
    return not all(each[2].isdigit() or (each[2].isalpha() and each[2].islower()) for each in (ours, theirs))


def randoms_alike(left: str, right: str) -> bool:
    """Whether both are random names of one making: UUIDs, or as long as one another and of the same characters."""
    if _UUID.fullmatch(left) and _UUID.fullmatch(right):
        return left.count("-") == right.count("-")
    if len(left) != len(right) or _alphabet(left) is None:
        return False
    return _alphabet(left) == _alphabet(right)


def random_like(text: str, number: int) -> str:
    """A name of the same making as the random `text`, another for each number."""
    if found := _UUID.fullmatch(text):
        return f"a1b2c3d4-e5f6-4a7b-8c9d-{number:012d}".replace("-", found[1])
    kind = _alphabet(text)
    # A letter of the largest alphabet that the text is of.
    letters = "a1b2c3" + ("" if not kind else "z" if kind == 1 else "Z")
    return text if kind is None else f"{letters}{number:0{len(text) - len(letters)}d}"


def time_read(text: str) -> dt.datetime | None:
    """The moment that an ISO 8601 text names, as UTC if it doesn't say; None if it names none."""
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def is_exact(text: str | None) -> bool:
    """Whether a text names a moment to the microsecond, so that who writes it anew writes another one."""
    moment = time_read(text) if text else None
    return moment is not None and moment.microsecond != 0


def time_shape(text: str) -> str:
    """How a moment is written: with which separators, to how many digits, and whether it says its offset."""
    return _DIGIT.sub("0", text)


def _decoded(part: str) -> object:
    padded = part + "=" * (-len(part) % 4)
    return json_parse(base64.urlsafe_b64decode(padded).decode("utf-8"))


def _alphabet(text: str) -> int | None:
    if len(_TURNS.findall(text)) < _FEWEST_TURNS:
        return None
    return next((number for number, pattern in enumerate(_RANDOM) if pattern.fullmatch(text)), None)
