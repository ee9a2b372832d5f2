"""One request of a case file, `[[case]]`, and the mistakes that can be made in it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from strangler.compare.case import PREFIX, Case, HeaderPlace, SavedPlace, path_parse
from strangler.compare.cases import message
from strangler.compare.cases.message import NAME, VALUE
from strangler.routes.entries import Entry

NOBODY: Final = "nobody"
METHODS: Final = ("get", "head", "options", "post", "put", "patch", "delete")
_BODIES: Final[Mapping[str, tuple[str, Callable[[object], bytes]]]] = {
    "json": (message.JSON_TYPE, message.json_body),
    "form": (message.FORM_TYPE, message.form_body),
    "multipart": (message.MULTIPART_TYPE, message.multipart_body),
}
_KEYS: Final = frozenset(
    {"name", "as", "claims", "headers", "body", "save", "prefix", "together", "refuse_commit", *METHODS, *_BODIES}
)
_TARGET: Final = re.compile(r"/[^\s\x00-\x1f\x7f#]*")
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MOST_TOGETHER: Final = 64
_HEADER: Final = "header "
# The comparison writes these itself.
_OURS: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True)
class WrittenCase:
    """A `[[case]]`: the same request for each of the callers, `together` times at once; `variables` are in braces.

    With `refuse_commit` the database refuses what it commits.
    """

    callers: tuple[str, ...]
    case: Case
    save: tuple[tuple[str, SavedPlace], ...] = ()
    variables: frozenset[str] = field(default=frozenset())
    together: int = 1
    refuse_commit: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether it can be asked of a running stack, by itself."""
        case = self.case
        return case.safe and not (self.variables or case.claims or self.together > 1)


def read_case(entry: Entry, *, saved: frozenset[str]) -> WrittenCase:
    """The case; `saved` are the variables of the cases above it.

    :raises Mistake: a key or its value is invalid.
    """
    name = _read_name(entry)
    entry.check_keys(_KEYS)
    method = _read_method(entry)
    headers, body, secrets = _read_request(entry, method)
    callers = _read_callers(entry, headers)
    below_v2 = _read_below_v2(entry)
    saved |= {PREFIX} if below_v2 else set()
    case = Case(
        method=method.upper(),
        target=_read_target(entry, method, saved),
        headers=headers,
        body=body,
        name=name,
        secrets=secrets,
        claims=_read_claims(entry, callers),
        below_v2=below_v2,
    )
    texts = (case.target, body.decode("utf-8", "replace"), *(value for _, value in headers))
    named = frozenset(found for text in texts for found in _VARIABLE.findall(text))
    return WrittenCase(
        callers=callers,
        case=case,
        save=_read_save(entry, callers),
        variables=named & saved,
        together=_read_together(entry),
        refuse_commit=_read_refuse_commit(entry, case),
    )


def _read_name(entry: Entry) -> str:
    """From here on mistakes bear the case's own name."""
    name = entry.get("name")
    if name is None:
        return ""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise entry.wrong("name", "write a line in quotes, or leave it out")
    entry.name = f'case "{name}"'
    return name


def _read_method(entry: Entry) -> str:
    found = [method for method in METHODS if entry.get(method) is not None]
    if not found:
        raise entry.mistake(f'has no method: add get = "/…" or another of {", ".join(METHODS)}.')
    if len(found) > 1:
        raise entry.mistake(f"has {found[0]} and {found[1]}: write a [[case]] for each.", found[1])
    return found[0]


def _read_target(entry: Entry, method: str, saved: frozenset[str]) -> str:
    target = entry.get(method)
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise entry.wrong(method, "begin it with / and write a blank as %20, without the address and its prefix")
    for name in _VARIABLE.findall(target):
        if name not in saved:
            hint = f"save {name} in a case above, or write the braces as %7B and %7D"
            raise entry.wrong(method, hint)
    return _one_byte_each(target)


def _read_callers(entry: Entry, headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    given = entry.get("as") if entry.get("as") is not None else [NOBODY]
    callers = [given] if isinstance(given, str) else given
    if not isinstance(callers, list) or not callers or not all(isinstance(each, str) and each for each in callers):
        raise entry.wrong("as", 'list one or more names, such as ["alice", "nobody"]')
    if len(set(callers)) < len(callers):
        raise entry.wrong("as", "name each of them once")
    if callers != [NOBODY] and any(name.lower() == "authorization" for name, _ in headers):
        raise entry.wrong("as", "remove it, the header Authorization already names the caller")
    return tuple("" if each == NOBODY else each for each in callers)


def _read_claims(entry: Entry, callers: tuple[str, ...]) -> tuple[tuple[str, object], ...]:
    claims = entry.get("claims")
    if claims is None:
        return ()
    if not isinstance(claims, dict) or not claims:
        raise entry.wrong("claims", "write it as a table such as { exp = -60 }, times in seconds from now")
    if "" in callers:
        raise entry.wrong("claims", "remove it, or nobody from as: claims change the token of a caller")
    return tuple(claims.items())


def _read_below_v2(entry: Entry) -> bool:
    prefix = entry.get("prefix")
    if prefix not in (None, "v2"):
        raise entry.wrong("prefix", 'write "v2", or leave it out for v1')
    return prefix is not None


def _read_together(entry: Entry) -> int:
    together = entry.get("together")
    if together is None:
        return 1
    if type(together) is not int or not 2 <= together <= _MOST_TOGETHER:
        raise entry.wrong("together", f"write how often it is sent at once, from 2 to {_MOST_TOGETHER}")
    if entry.get("save") is not None:
        raise entry.wrong("together", "remove it or save, for of several answers none is the one to save from")
    return together


def _read_refuse_commit(entry: Entry, case: Case) -> bool:
    refuse = entry.get("refuse_commit")
    if refuse is None:
        return False
    if refuse is not True:
        raise entry.wrong("refuse_commit", "write true, or leave it out")
    if case.safe or entry.get("save") is not None or entry.get("together") is not None:
        raise entry.wrong("refuse_commit", "write it in a case of one write, without save and together")
    return True


def _read_request(entry: Entry, method: str) -> tuple[tuple[tuple[str, str], ...], bytes, tuple[str, ...]]:
    """Headers, body, and what of the body is secret."""
    kinds = [kind for kind in (*_BODIES, "body") if entry.get(kind) is not None]
    if len(kinds) > 1:
        raise entry.mistake(f"has {kinds[0]} and {kinds[1]}: keep one of them.", kinds[1])
    headers = _read_headers(entry)
    if not kinds:
        return headers, b"", ()
    if method in {"get", "head"}:
        raise entry.wrong(kinds[0], f"remove it, {method} sends no body")
    content_type, body = _read_body(entry, kinds[0])
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("Content-Type", content_type), *headers)
    # An empty Content-Type sends the body without one.
    kept = tuple((name, value) for name, value in headers if value or name.lower() != "content-type")
    value = entry.get(kinds[0])
    secrets = message.secrets_in_body(value) if kinds[0] == "body" else message.secrets_in(value)
    return kept, body, tuple(secrets)


def _read_body(entry: Entry, kind: str) -> tuple[str, bytes]:
    value = entry.get(kind)
    if kind == "body":
        if not isinstance(value, str):
            raise entry.wrong("body", "write it in quotes, as it is sent")
        return message.JSON_TYPE, value.encode()
    content_type, write = _BODIES[kind]
    try:
        return content_type, write(value)
    except message.BodyError as error:
        raise entry.wrong(kind, str(error)) from None


def _read_headers(entry: Entry) -> tuple[tuple[str, str], ...]:
    headers = entry.get("headers") if entry.get("headers") is not None else {}
    if not isinstance(headers, dict):
        raise entry.wrong("headers", 'write it as a table such as { Accept = "application/json" }')
    for name, value in headers.items():
        if not NAME.fullmatch(name) or not isinstance(value, str) or not VALUE.fullmatch(value):
            raise entry.wrong("headers", "give each header a name without blanks, and a text on one line")
        if name.lower() in _OURS:
            raise entry.wrong("headers", f"remove {name}, the comparison sends its own")
    return tuple((name, _one_byte_each(value)) for name, value in headers.items())


def _read_save(entry: Entry, callers: tuple[str, ...]) -> tuple[tuple[str, SavedPlace], ...]:
    save = entry.get("save")
    if save is None:
        return ()
    if not isinstance(save, dict) or not save:
        raise entry.wrong("save", 'write it as a table such as { post = "$.id" }')
    if len(callers) > 1:
        raise entry.wrong("save", "remove it, or all callers but one: of several answers none is the one to save from")
    if not all(_VARIABLE.fullmatch(f"{{{name}}}") for name in save):
        raise entry.wrong("save", "name variables in small letters, digits and _")
    try:
        return tuple((name, _place(text)) for name, text in save.items())
    except (ValueError, AttributeError):
        raise entry.wrong("save", "write each place like $.id, $.results[0].id, or header etag") from None


def _place(text: str) -> SavedPlace:
    """What `$.id` or `header etag` names, as reports do.

    :raises ValueError: it is no place.
    """
    if not text.startswith(_HEADER):
        return path_parse(text)
    name = text.removeprefix(_HEADER)
    if not NAME.fullmatch(name):
        raise ValueError(text)
    return HeaderPlace(name.lower())


def _one_byte_each(text: str) -> str:
    return text.encode().decode("latin-1")
