"""One `[[case]]` of a case file, and the mistakes that can be made in it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from strangler.compare.case import Case
from strangler.compare.cases import bodies
from strangler.compare.cases.headers import NAME, VALUE
from strangler.compare.cases.scenario import path_parse
from strangler.compare.json_values import Path
from strangler.routes.entries import Entry

NOBODY: Final = "nobody"
METHODS: Final = ("get", "head", "options", "post", "put", "patch", "delete")
_BODIES: Final[Mapping[str, tuple[str, Callable[[object], bytes]]]] = {
    "json": (bodies.JSON_TYPE, bodies.json_body),
    "form": (bodies.FORM_TYPE, bodies.form_body),
    "multipart": (bodies.MULTIPART_TYPE, bodies.multipart_body),
}
_KEYS: Final = frozenset({"name", "as", "headers", "body", "save", *METHODS, *_BODIES})
_TARGET: Final = re.compile(r"/[^\s\x00-\x1f\x7f#]*")
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# The comparison writes these itself.
_OURS: Final = frozenset({"connection", "content-length", "cookie", "host", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a `[[case]]` says: the same request for each of the callers; `variables` are the names in braces."""

    callers: tuple[str, ...]
    case: Case
    save: tuple[tuple[str, Path], ...] = ()
    variables: frozenset[str] = field(default=frozenset())


def read_case(entry: Entry, *, saved: frozenset[str]) -> Written:
    """The case; `saved` are the variables of the cases above it.

    :raises Mistake: a key says what it can't.
    """
    name = _read_name(entry)
    entry.check_keys(_KEYS)
    method = _read_method(entry)
    headers, body, secrets = _read_request(entry, method)
    callers = _read_callers(entry, headers)
    case = Case(
        method=method.upper(),
        target=_read_target(entry, method, saved),
        headers=headers,
        body=body,
        name=name,
        secrets=secrets,
    )
    texts = (case.target, body.decode("utf-8", "replace"), *(value for _, value in headers))
    named = frozenset(found for text in texts for found in _VARIABLE.findall(text))
    return Written(callers=callers, case=case, save=_read_save(entry, case, callers), variables=named & saved)


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
        raise entry.mistake(f'asks for nothing: add get = "/…" or another of {", ".join(METHODS)}.')
    if len(found) > 1:
        raise entry.mistake(f"has {found[0]} and {found[1]}: write a [[case]] for each.", found[1])
    return found[0]


def _read_target(entry: Entry, method: str, saved: frozenset[str]) -> str:
    target = entry.get(method)
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise entry.wrong(method, "begin it with / and write a blank as %20, without the address and its prefix")
    for name in _VARIABLE.findall(target):
        if name not in saved:
            mend = f"save {name} in a case above, or write the braces as %7B and %7D"
            raise entry.wrong(method, mend)
    return _one_byte_each(target)


def _read_callers(entry: Entry, headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    callers = entry.get("as") if entry.get("as") is not None else [NOBODY]
    if not isinstance(callers, list) or not callers or not all(isinstance(each, str) and each for each in callers):
        raise entry.wrong("as", 'list one or more names, such as ["alice", "nobody"]')
    if len(set(callers)) < len(callers):
        raise entry.wrong("as", "name each of them once")
    if callers != [NOBODY] and any(name.lower() == "authorization" for name, _ in headers):
        raise entry.wrong("as", "take it away, the header Authorization says who asks")
    return tuple("" if each == NOBODY else each for each in callers)


def _read_request(entry: Entry, method: str) -> tuple[tuple[tuple[str, str], ...], bytes, tuple[str, ...]]:
    """Headers, body, and what of the body is secret."""
    kinds = [kind for kind in (*_BODIES, "body") if entry.get(kind) is not None]
    if len(kinds) > 1:
        raise entry.mistake(f"has {kinds[0]} and {kinds[1]}: keep one of them.", kinds[1])
    headers = _read_headers(entry)
    if not kinds:
        return headers, b"", ()
    if method in {"get", "head"}:
        raise entry.wrong(kinds[0], f"take it away, {method} sends no body")
    content_type, body = _read_body(entry, kinds[0])
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("Content-Type", content_type), *headers)
    # A body that is to come without a type says so with an empty one.
    kept = tuple((name, value) for name, value in headers if value or name.lower() != "content-type")
    return kept, body, tuple(bodies.secrets_in(entry.get(kinds[0])))


def _read_body(entry: Entry, kind: str) -> tuple[str, bytes]:
    value = entry.get(kind)
    if kind == "body":
        if not isinstance(value, str):
            raise entry.wrong("body", "write it in quotes, as it is sent")
        return bodies.JSON_TYPE, value.encode()
    content_type, write = _BODIES[kind]
    try:
        return content_type, write(value)
    except bodies.BodyError as error:
        raise entry.wrong(kind, str(error)) from None


def _read_headers(entry: Entry) -> tuple[tuple[str, str], ...]:
    headers = entry.get("headers") if entry.get("headers") is not None else {}
    if not isinstance(headers, dict):
        raise entry.wrong("headers", 'write it as a table such as { Accept = "application/json" }')
    for name, value in headers.items():
        if not NAME.fullmatch(name) or not isinstance(value, str) or not VALUE.fullmatch(value):
            raise entry.wrong("headers", "give each header a name without blanks, and a text on one line")
        if name.lower() in _OURS:
            raise entry.wrong("headers", f"take {name} away, the comparison writes it itself")
    return tuple((name, _one_byte_each(value)) for name, value in headers.items())


def _read_save(entry: Entry, case: Case, callers: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    save = entry.get("save")
    if save is None:
        return ()
    if not isinstance(save, dict) or not save:
        raise entry.wrong("save", 'write it as a table such as { post = "$.id" }')
    if case.safe or len(callers) > 1:
        raise entry.wrong("save", "take it away, only a write by one caller can save something")
    if not all(_VARIABLE.fullmatch(f"{{{name}}}") for name in save):
        raise entry.wrong("save", "name variables in small letters, digits and _")
    try:
        return tuple((name, path_parse(place)) for name, place in save.items())
    except (ValueError, AttributeError):
        raise entry.wrong("save", "write each place like $.id or $.results[0].id") from None


def _one_byte_each(text: str) -> str:
    return text.encode().decode("latin-1")
