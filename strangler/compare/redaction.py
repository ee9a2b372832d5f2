"""Masks secrets in reports: values of secret names are masked, long ones shortened, whole bodies left out."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from strangler.compare.cookies import HEADER as COOKIES
from strangler.compare.cookies import VALUE as COOKIE_VALUE
from strangler.compare.differ import DifferenceKind, ResponseDifference, first_difference
from strangler.compare.json_values import Absent, NotJsonError, Number, json_lines, json_parse, json_text

MASK: Final = "***"
MAX_LENGTH: Final = 120
# Secret wherever they stand in a name, as in `csrftoken` or `old_password`.
_SECRET_PARTS: Final = (
    "apikey",
    "authoriz",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "token",
)
# Secret as a word of a name only: `access` and `accessKey` are, `accessible` isn't.
_SECRET_WORDS: Final = frozenset(
    {
        *("access", "auth", "csrf", "jwt", "key", "mfa", "otp", "pass", "passcode", "passkey", "pin", "pw", "pwd"),
        *("refresh", "session", "sessionid", "sid", "sig", "signature", "totp"),
    }
)
# A code that signs somebody in comes in a query or a form; in JSON a code says what kind an error is.
_SECRET_PARAMETERS: Final = frozenset({"code", "ticket"})
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_FORM: Final = "application/x-www-form-urlencoded"
_SHORTEST_KNOWN: Final = 8
# The parts of its place: the header, the cookie, the attribute.
_COOKIE_ATTRIBUTE: Final = 3

_COOKIE_VALUES: Final = re.compile(r"(?:^|; )[^=;\s]+=([^;\s]+)")
_CREDENTIALS: Final = re.compile(r"\b(Bearer|Basic|Token) +[\w.~+/=-]{12,}", re.IGNORECASE)
# A name begins behind what can't belong to one, so that a long text is read once.
_PARAMETER: Final = re.compile(r"(?<![^?&;#\s\"'(,])([^=?&;#\s\"'(,]+)=\"?[^&#\s\"]+")
_PASSWORD_IN_ADDRESS: Final = re.compile(
    r"(//[^\s/@:?#\"']*:)[^\s/?#\"']+(?=@)|(?<![\w.+:/-])(?!mailto:)([\w.+-]+:)[^\s/@:\"',;]+(?=@[\w-])"
)
_BY_LOOK: Final = (
    # JSON Web Tokens.
    re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]*){1,4}"),
    # Keys and certificates in PEM.
    re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL),
    # Hashes of passwords, as Django and crypt(3) write them.
    re.compile(r"\$(?:2[abxy]?|1|5|6|7|y|gy|argon2\w*|scrypt)\$[^\s\"']{8,}"),
    re.compile(r"\b(?:pbkdf2|argon2|bcrypt|scrypt|md5|sha1|unsalted)\w*\$[^\s\"']{8,}"),
    # Other sums, and the tokens of REST framework.
    re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{40,}\b", re.IGNORECASE),
    # Keys of well-known services.
    re.compile(r"\b(?:[spr]k_(?:live|test)_|gh[opsru]_|github_pat_|glpat-|xox[abeprs]-|AKIA|AIza)[\w-]{10,}"),
)


@dataclass(frozen=True, kw_only=True)
class MaskedDifference:
    """A difference as it may be stored and shown; None stands for nothing at that place."""

    kind: str
    place: str
    pattern: str
    left: str | None
    right: str | None


def is_secret(name: str) -> bool:
    """Whether a key, a header or a parameter of this name holds a secret."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return any(part in plain for part in _SECRET_PARTS) or any(
        word.lower() in _SECRET_WORDS for word in _WORD.findall(name)
    )


def is_secret_parameter(name: str) -> bool:
    """Whether a field of a query or a form of this name, perhaps percent-encoded, holds a secret."""
    plain = unquote_plus(name)
    return is_secret(plain) or plain.lower() in _SECRET_PARAMETERS


class Masker:
    """Masks secret values; `known` are secrets of this very request, masked wherever they turn up."""

    def __init__(self, known: Collection[str] = ()) -> None:
        parts = {part for secret in known for part in (secret, *secret.split(), *_COOKIE_VALUES.findall(secret))}
        self._known = sorted((part for part in parts if len(part) >= _SHORTEST_KNOWN), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets that are recognised by their form or their parameter's name, or known."""
        for known in self._known:
            text = text.replace(known, MASK)
        for look in _BY_LOOK:
            text = look.sub(MASK, text)
        text = _CREDENTIALS.sub(rf"\1 {MASK}", text)
        text = _PASSWORD_IN_ADDRESS.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)
        return _PARAMETER.sub(lambda found: f"{found[1]}={MASK}" if is_secret_parameter(found[1]) else found[0], text)

    def body(self, body: bytes, media: str, *, indent: bool = True) -> str:
        """A body as it may be shown: JSON and forms with secrets masked, of any other only what it is."""
        kind = media.partition(";")[0].strip().lower()
        text = body.decode("utf-8", errors="replace")
        if kind == _FORM:
            return self.text(f"?{text}")[1:]
        try:
            value = self._value(json_parse(text))
        except NotJsonError:
            # Nobody knows what stands in it, such as an error page with its variables.
            return f"{len(body):,} bytes of {self.text(kind) or 'no media type'}" if body else ""
        return self.text(json_lines(value) if indent else json_text(value))

    def header(self, name: str, text: str) -> str:
        """The value of a header as it may be shown."""
        return MASK if is_secret(name) else self.text(text)

    def reported(self, difference: ResponseDifference) -> MaskedDifference:
        """The difference as it may leave."""
        hidden = any(isinstance(part, str) and is_secret(part) for part in difference.path)
        if difference.path[:1] == (COOKIES,) and len(difference.path) == _COOKIE_ATTRIBUTE:
            # What a browser may do with a cookie is no secret.
            hidden = difference.path[-1] == COOKIE_VALUE
        sides = [self._side(difference, side, hidden=hidden) for side in (difference.left, difference.right)]
        return MaskedDifference(
            kind=difference.kind,
            place=shortened(self.text(difference.place)),
            pattern=shortened(self.text(difference.pattern)),
            left=sides[0],
            right=sides[1],
        )

    def _side(self, difference: ResponseDifference, side: object, *, hidden: bool) -> str | None:
        if isinstance(side, Absent):
            return None
        if difference.kind is DifferenceKind.TEXT:
            # Nobody knows what stands in a body that isn't JSON, such as an error page with its variables.
            start = first_difference(str(difference.left), str(difference.right))
            return f"{len(str(side))} characters, different from character {start + 1} on"
        return MASK if hidden else shortened(json_text(self._value(side)))

    def _value(self, value: object, *, depth: int = 20) -> object:
        if depth == 0:
            return "…"
        if isinstance(value, dict):
            return {key: MASK if is_secret(key) else self._value(item, depth=depth - 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, depth=depth - 1) for item in value]
        return self.text(value) if isinstance(value, str) and not isinstance(value, Number) else value


def shortened(text: str) -> str:
    """The text, cut to what a report shows of a value."""
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"
