"""Generated cases as the text of case files, which a person can read and `case_files` reads."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from strangler.compare.cases.written_case import NOBODY

SCENARIO: Final = "generated"
_BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass(frozen=True, kw_only=True)
class GeneratedCase:
    """A `[[case]]`.

    Attributes:
        name: what is special about it.
        method: in capitals.
        target: path and query, as sent.
        callers: names, nobody as an empty one.
        kind: how `value` is sent: `json`, `form`, `multipart`, or `body` as it stands; empty for no body.
        headers: besides the tool's own.
        again: it is sent although the same was sent before.
        refuse_commit: the database refuses what it commits.
        together: how often it is sent, all at once.
        save: variables with the places of their values in the answer.
        below_v2: the right side is requested below v2's prefix.
    """

    name: str
    method: str
    target: str
    callers: tuple[str, ...] = ("",)
    kind: str = ""
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    refuse_commit: bool = False
    together: int = 1
    save: Mapping[str, str] = field(default_factory=dict)
    below_v2: bool = False

    def text(self) -> str:
        """The case in TOML."""
        lines = ["[[case]]", f"name = {_toml(printable(self.name))}"]
        if self.callers != ("",):
            lines.append(f"as = {_toml([each or NOBODY for each in self.callers])}")
        if self.headers:
            lines.append(f"headers = {_toml(dict(self.headers))}")
        lines.append(f"{self.method.lower()} = {_toml(self.target)}")
        if self.below_v2:
            lines.append('prefix = "v2"')
        if self.kind:
            kind, value = self.kind, self.value
            if kind == "json" and not _is_writable(value):
                # TOML has no null, and no half of a character.
                kind, value = "body", json.dumps(value)
            if kind in {"form", "multipart"}:
                value = dict(_form_fields(value))
            lines.append(f"{kind} = {_toml(value)}")
        if self.refuse_commit:
            lines.append("refuse_commit = true")
        if self.together > 1:
            lines.append(f"together = {self.together}")
        if self.save:
            lines.append(f"save = {_toml(dict(self.save))}")
        return "\n".join(lines) + "\n"


def cases_text(cases: Iterable[GeneratedCase], *, head: str) -> str:
    """A whole file; `head` says what it is in its first line."""
    return "\n".join([f"# {head}\n", f'scenario = "{SCENARIO}"\n', *(case.text() for case in cases)])


def target_of(path: str, *pairs: tuple[str, str]) -> str:
    """A path with these parameters, in their order."""
    query = urlencode(pairs, quote_via=quote, errors="surrogateescape")
    return f"{path}?{query}" if query else path


def printable(text: str) -> str:
    """What stands in a name, on one line of a screen."""
    shown = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
    return shown if len(shown) <= 90 else f"{shown[:89]}…"


def _form_fields(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of a form, named as DRF reads objects and lists of objects: `place.name`, `lines[0]count`."""
    for name, each in value.items():
        if isinstance(each, dict):
            yield from _form_fields(each, f"{before}{name}.")
        elif isinstance(each, list) and each and all(isinstance(item, dict) for item in each):
            for number, item in enumerate(each):
                yield from _form_fields(item, f"{before}{name}[{number}]")
        else:
            yield f"{before}{name}", each


def _is_writable(value: Any) -> bool:  # noqa: ANN401 - JSON's types
    if isinstance(value, dict):
        return all(_is_writable(each) for each in (*value, *value.values()))
    if isinstance(value, list):
        return all(map(_is_writable, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**63
    return value is not None and not (isinstance(value, str) and any(0xD800 <= ord(each) < 0xE000 for each in value))


def _toml(value: Any) -> str:  # noqa: ANN401 - JSON's types
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(name)} = {_toml(each)}" for name, each in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name and set(name) <= _BARE else json.dumps(name, ensure_ascii=False)
