"""Fields of texts of a form: patterns, addresses, slugs and UUIDs, as DRF has them under the same names."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

from strangler_fastapi.drf.fields.fields import CharField, Scope, Validator, ValueField
from strangler_fastapi.drf.validators import NO_EMAIL, Invalid, Pattern, filled, is_email_address
from strangler_fastapi.errors import ErrorDetail

_NO_ADDRESS: Final = "Enter a valid IPv4 or IPv6 address."
# Django's validators say it in other words than DRF, in some languages.
_INVALID_ADDRESS: Final = "Enter a valid %(protocol)s address."
_LONGEST_IPV6: Final = 39
_LONGEST_URL: Final = 2048
_LONGEST_HOST: Final = 253
_SCHEMES: Final = ("http", "https", "ftp", "ftps")
# Django's `URLValidator`.
_LETTERS: Final = "\u00a1-\uffff"
_IPV4: Final = r"(?:0|25[0-5]|2[0-4][0-9]|1[0-9]?[0-9]?|[1-9][0-9]?)"
_HOST: Final = rf"[a-z{_LETTERS}0-9](?:[a-z{_LETTERS}0-9-]{{0,61}}[a-z{_LETTERS}0-9])?"
_DOMAIN: Final = rf"(?:\.(?!-)[a-z{_LETTERS}0-9-]{{1,63}}(?<!-))*"
_TOP: Final = rf"\.(?!-)(?:[a-z{_LETTERS}-]{{2,63}}|xn--[a-z0-9]{{1,59}})(?<!-)\.?"
_URL: Final = re.compile(
    r"(?:[a-z0-9.+-]*)://(?:[^\s:@/]+(?::[^\s:@/]*)?@)?"
    rf"(?:{_IPV4}(?:\.{_IPV4}){{3}}|\[[0-9a-f:.]+\]|({_HOST}{_DOMAIN}{_TOP}|localhost))"
    r"(?::[0-9]{1,5})?(?:[/?#][^\s]*)?",
    re.IGNORECASE,
)
_BRACKETS: Final = re.compile(r"^\[(.+)\](?::[0-9]{1,5})?$")


_SLUG = "^[-a-zA-Z0-9_]+$"
_UNICODE_SLUG = r"^[-\w]+\Z"


@dataclass(frozen=True, kw_only=True)
class EmailField(CharField):
    """An e-mail address (`serializers.EmailField`)."""

    kind: ClassVar[str] = "email"
    refusal: ClassVar[str] = NO_EMAIL

    def limits(self) -> tuple[Validator, ...]:
        """The text's, then the address's."""
        return (*super().limits(), self._check_address)

    def _check_address(self, value: str, _scope: Scope) -> None:
        if not is_email_address(value):
            raise Invalid(filled(self.error_messages.get("invalid", self.refusal), value=value))

    def schema(self) -> dict[str, Any]:  # noqa: D102 - see CharField
        return {"format": "email", **super().schema()}

    def sample(self) -> str:  # noqa: D102 - see Field
        return "sample@example.com"


@dataclass(frozen=True, kw_only=True)
class SlugField(CharField):
    """Letters, digits, `_` and `-` (`serializers.SlugField`)."""

    kind: ClassVar[str] = "slug"
    refusal: ClassVar[str] = 'Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.'
    allow_unicode: bool = False

    def limits(self) -> tuple[Validator, ...]:
        """The text's, then the slug's."""
        pattern = Pattern(_SLUG, message=self.error_messages.get("invalid", self.refusal))
        if self.allow_unicode:
            unicode = 'Enter a valid "slug" consisting of Unicode letters, numbers, underscores, or hyphens.'
            pattern = Pattern(_UNICODE_SLUG, message=self.error_messages.get("invalid_unicode", unicode))
        return (*super().limits(), pattern)

    def schema(self) -> dict[str, Any]:  # noqa: D102 - see CharField
        return super().schema() or ({} if self.allow_unicode else {"pattern": _SLUG})


@dataclass(frozen=True, kw_only=True)
class RegexField(CharField):
    """A text in which `regex` is found (`serializers.RegexField`)."""

    kind: ClassVar[str] = "regex"
    refusal: ClassVar[str] = "This value does not match the required pattern."
    regex: str

    def limits(self) -> tuple[Validator, ...]:
        """The text's, then the pattern's."""
        return (*super().limits(), Pattern(self.regex, message=self.error_messages.get("invalid", self.refusal)))


@dataclass(frozen=True, kw_only=True)
class URLField(CharField):
    """An address of the web (`serializers.URLField`, Django's `URLValidator`)."""

    kind: ClassVar[str] = "url"
    refusal: ClassVar[str] = "Enter a valid URL."

    def limits(self) -> tuple[Validator, ...]:
        """The text's, then the address's."""
        return (*super().limits(), self._check_address)

    def _check_address(self, value: str, _scope: Scope) -> None:
        if not _is_url(value):
            raise Invalid(filled(self.error_messages.get("invalid", self.refusal), value=value))

    def schema(self) -> dict[str, Any]:  # noqa: D102 - see CharField
        return {"format": "uri", **super().schema()}

    def sample(self) -> str:  # noqa: D102 - see Field
        return "https://example.com/"


@dataclass(frozen=True, kw_only=True)
class IPAddressField(CharField):
    """An address of a network, of `both` protocols, `ipv4` or `ipv6` (`serializers.IPAddressField`)."""

    refusal: ClassVar[str] = _NO_ADDRESS
    protocol: str = "both"

    async def convert(self, value: Any, scope: Scope) -> str:  # noqa: ANN401, D102 - see Field
        if not isinstance(value, str):
            raise self.refused("invalid", self.refusal, value=value)
        if ":" in value and self.protocol in ("both", "ipv6"):
            try:
                return _clean_ipv6(value, unpacked=self.protocol == "both")
            except ValueError:
                raise self.refused("invalid", self.refusal, value=value) from None
        return await super().convert(value, scope)

    def limits(self) -> tuple[Validator, ...]:
        """The text's, then the address's."""
        name = {"both": "IPv4 or IPv6", "ipv4": "IPv4", "ipv6": "IPv6"}[self.protocol]

        def is_address(value: str, _scope: Scope) -> None:
            if not _is_address(value, self.protocol):
                sentence = _INVALID_ADDRESS % {"protocol": name}
                raise Invalid([ErrorDetail(sentence, "invalid", _INVALID_ADDRESS)])

        return (*super().limits(), is_address)

    def sample(self) -> str:  # noqa: D102 - see Field
        return "::1" if self.protocol == "ipv6" else "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class UUIDField(ValueField):
    """A UUID in any spelling of Python's, or as a number (`serializers.UUIDField`).

    `format` is how it is answered: `hex_verbose`, `hex`, `int` or `urn`.
    """

    kind: ClassVar[str] = "string"
    python: ClassVar[type] = UUID
    format: str = "hex_verbose"

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: ARG002, D102 - see Field
        return None if self.format == "hex_verbose" else attrgetter(self.format)

    async def convert(self, value: Any, scope: Scope) -> UUID:  # noqa: ANN401, ARG002, D102 - see Field
        try:
            if isinstance(value, int):
                return UUID(int=value)
            if isinstance(value, str):
                return UUID(hex=value)
        except ValueError:
            pass
        if isinstance(value, UUID):
            return value
        raise self.refused("invalid", "Must be a valid UUID.", value=value)


def _is_address(text: str, protocol: str) -> bool:
    kinds = {"both": (ipaddress.IPv4Address, _ipv6), "ipv4": (ipaddress.IPv4Address,), "ipv6": (_ipv6,)}[protocol]
    for kind in kinds:
        try:
            kind(text)
        except ValueError:
            continue
        return True
    return False


def _ipv6(text: str) -> ipaddress.IPv6Address:
    if len(text) > _LONGEST_IPV6:
        raise ValueError("too long")
    return ipaddress.IPv6Address(int(ipaddress.IPv6Address(text)))


def _clean_ipv6(text: str, *, unpacked: bool) -> str:
    """Django's `clean_ipv6_address`."""
    address = _ipv6(text)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped) if unpacked else f"::ffff:{address.ipv4_mapped}"
    return str(address)


def _is_url(value: str) -> bool:
    if len(value) > _LONGEST_URL or set("\t\r\n") & set(value) or value.split("://")[0].lower() not in _SCHEMES:
        return False
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return False
    brackets = _BRACKETS.search(parts.netloc)
    if brackets is not None and not _is_address(brackets[1], "ipv6"):
        return False
    return _URL.fullmatch(value) is not None and host is not None and len(host) <= _LONGEST_HOST
