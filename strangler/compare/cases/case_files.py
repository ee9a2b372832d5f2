"""Case files: TOML files that are read from top to bottom, and the mistakes that can be made in them.

Each file is a scenario, played on copies of its own; those with the same `scenario = "name"` are one, by their names.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from strangler.compare.case import PASSWORD, Case, Scenario, ScenarioStep, path_parse
from strangler.compare.cases import message
from strangler.compare.cases.message import NAME, VALUE
from strangler.compare.cases.router import Router
from strangler.compare.json_values import JsonPath
from strangler.errors import UsageError
from strangler.routes.entries import Entry
from strangler.routes.lines import Lines
from strangler.routes.mistakes import Mistake, MistakesError, nearest, shown
from strangler.routes.syntax import content_decode, parse_toml, source_name
from strangler.routes.table import RouteTable

NOBODY: Final = "nobody"
METHODS: Final = ("get", "head", "options", "post", "put", "patch", "delete")
_BODIES: Final[Mapping[str, tuple[str, Callable[[object], bytes]]]] = {
    "json": (message.JSON_TYPE, message.json_body),
    "form": (message.FORM_TYPE, message.form_body),
    "multipart": (message.MULTIPART_TYPE, message.multipart_body),
}
_KEYS: Final = frozenset({"name", "as", "headers", "body", "save", *METHODS, *_BODIES})
_TARGET: Final = re.compile(r"/[^\s\x00-\x1f\x7f#]*")
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# The comparison writes these itself.
_OURS: Final = frozenset({"connection", "content-length", "cookie", "host", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True)
class WrittenCase:
    """A `[[case]]`: the same request for each of the callers; `variables` are the names in braces."""

    callers: tuple[str, ...]
    case: Case
    save: tuple[tuple[str, JsonPath], ...] = ()
    variables: frozenset[str] = field(default=frozenset())


def read_case(entry: Entry, *, saved: frozenset[str]) -> WrittenCase:
    """The case; `saved` are the variables of the cases above it.

    :raises Mistake: a key or its value is invalid.
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
    return WrittenCase(callers=callers, case=case, save=_read_save(entry, case, callers), variables=named & saved)


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
    callers = entry.get("as") if entry.get("as") is not None else [NOBODY]
    if not isinstance(callers, list) or not callers or not all(isinstance(each, str) and each for each in callers):
        raise entry.wrong("as", 'list one or more names, such as ["alice", "nobody"]')
    if len(set(callers)) < len(callers):
        raise entry.wrong("as", "name each of them once")
    if callers != [NOBODY] and any(name.lower() == "authorization" for name, _ in headers):
        raise entry.wrong("as", "remove it, the header Authorization already names the caller")
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


def _read_save(entry: Entry, case: Case, callers: tuple[str, ...]) -> tuple[tuple[str, JsonPath], ...]:
    save = entry.get("save")
    if save is None:
        return ()
    if not isinstance(save, dict) or not save:
        raise entry.wrong("save", 'write it as a table such as { post = "$.id" }')
    if case.safe or len(callers) > 1:
        raise entry.wrong("save", "remove it, only a write by one caller can save something")
    if not all(_VARIABLE.fullmatch(f"{{{name}}}") for name in save):
        raise entry.wrong("save", "name variables in small letters, digits and _")
    try:
        return tuple((name, path_parse(place)) for name, place in save.items())
    except (ValueError, AttributeError):
        raise entry.wrong("save", "write each place like $.id or $.results[0].id") from None


def _one_byte_each(text: str) -> str:
    return text.encode().decode("latin-1")


@dataclass(frozen=True)
class CaseFile:
    """A file as it was read; `scenario` is what it is a part of, empty where it is one by itself."""

    file: Path
    scenario: str
    cases: tuple[WrittenCase, ...]


def cases_from_files(folder: Path, table: RouteTable) -> Iterator[Case]:
    """The safe cases that need no variable of a write above them: those that a running stack can take.

    :raises UsageError: as `scenarios_from_files`.
    """
    router = Router(table)
    read = _read_folder(folder)
    asked = ((each.file, case) for each in read for case in each.cases if case.case.safe and not case.variables)
    return (step.case for file, case in asked for step in _steps(file, case, router))


def scenarios_from_files(folder: Path, table: RouteTable, *, chosen: Collection[str] = ()) -> tuple[Scenario, ...]:
    """Each file, or the files of one scenario, with all of its requests, reads too, in its order.

    Of a scenario of several files those are left out that only read, and those without any of the `chosen` routes,
    unless none is chosen.

    :raises UsageError: the folder can't be read or has no `*.toml`, or a file is invalid; names the line.
    """
    router = Router(table)
    found: dict[str, list[ScenarioStep]] = {}
    for each in _read_folder(folder):
        steps = [step for case in each.cases for step in _steps(each.file, case, router)]
        if each.scenario and not _is_played(steps, chosen):
            continue
        found.setdefault(each.scenario or each.file.name, []).extend(steps)
    return tuple(Scenario(name=name, steps=tuple(steps)) for name, steps in found.items())


def _is_played(steps: Sequence[ScenarioStep], chosen: Collection[str]) -> bool:
    writes = any(not step.case.safe for step in steps)
    return writes and (not chosen or any(step.case.route in chosen for step in steps))


def _steps(file: Path, written: WrittenCase, router: Router) -> Iterator[ScenarioStep]:
    """One for each caller."""
    route = router.name_of(written.case.method, written.case.target)
    source = f"{file.name}{written.case.source}"
    for caller in written.callers:
        case = dataclasses.replace(written.case, caller=caller, route=route, source=source)
        yield ScenarioStep(case=case, save=written.save)


def _read_folder(folder: Path) -> list[CaseFile]:
    """All files, by name: each mistake is reported before the first request."""
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".toml")
    except OSError as error:
        name = source_name(folder)
        raise UsageError(f"{name} can't be read ({error.strerror})", "name a folder of case files") from error
    if not files:
        raise UsageError(f"{source_name(folder)} holds no .toml file", "name a folder of case files")
    return [_read_file(file) for file in files]


def _read_file(file: Path) -> CaseFile:
    source = source_name(file)
    try:
        text = content_decode(file.read_bytes(), source=source)
    except OSError as error:
        raise UsageError(f"{source} can't be read ({error.strerror})", "let this user read it") from error
    lines = Lines(text)
    try:
        document = parse_toml(text, lines)
    except Mistake as mistake:
        raise MistakesError(source, [mistake]) from None
    mistakes: list[Mistake] = []
    written = list(_read_cases(document, lines if lines.fits(document) else None, mistakes))
    if mistakes:
        raise MistakesError(source, mistakes)
    return CaseFile(file=file, scenario=str(document.get("scenario", "")), cases=tuple(written))


def _read_cases(document: dict[str, Any], lines: Lines | None, mistakes: list[Mistake]) -> Iterator[WrittenCase]:
    """The cases; goes on after a mistake, so that one reading finds a mistake of each case."""
    saved = frozenset({PASSWORD})
    for entry in _entries(document, lines, mistakes):
        try:
            written = read_case(entry, saved=saved)
        except Mistake as mistake:
            mistakes.append(mistake)
            # Who uses what a mistaken case was to save makes no second mistake.
            names = entry.get("save")
            saved |= frozenset(names if isinstance(names, dict) else ())
            continue
        saved |= {name for name, _ in written.save}
        place = f", line {entry.line}" if entry.line else ""
        yield dataclasses.replace(written, case=dataclasses.replace(written.case, source=place))


def _entries(document: dict[str, Any], lines: Lines | None, mistakes: list[Mistake]) -> Iterator[Entry]:
    for key in document:
        if key not in {"case", "scenario"}:
            meant = nearest(key, ["case"])
            hint = f"did you mean [[{meant}]]?" if meant else "write each case under [[case]]."
            mistakes.append(Mistake(f"the file has an unknown key {shown(key)}: {hint}", lines.of(key) if lines else 0))
    cases = document.get("case")
    if not isinstance(cases, list) or not all(isinstance(values, dict) for values in cases):
        found = lines.of("case") if lines and "case" in document else 0
        mistakes.append(Mistake("there is no [[case]]: write each case under one.", found))
        return
    for index, values in enumerate(cases):
        yield Entry(values, lines=lines, where=("case", index), name="a [[case]]")
