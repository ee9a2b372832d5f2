"""Variables: values of a side's responses that its later requests carry; each side has its own."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import quote

from strangler.compare.case import PREFIX, Case, HeaderPlace, ScenarioStep, value_at
from strangler.compare.client.response import SideResponse
from strangler.compare.json_values import ABSENT, NotJsonError, json_parse, json_text

# The parsed values of what was saved, by the variable's name.
Variables = dict[str, object]
# A form has its braces encoded.
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}|%7[Bb]([a-z][a-z0-9_]*)%7[Dd]")
_QUOTED: Final = re.compile(r'"\{([a-z][a-z0-9_]*)\}"')


def names_in(case: Case, known: Iterable[str]) -> set[str]:
    """Those of the `known` variables that a case names."""
    texts = (case.target, case.body.decode("utf-8", "replace"), *(value for _, value in case.headers))
    return {_name(found) for text in texts for found in _VARIABLE.finditer(text)} & set(known)


def case_filled(case: Case, variables: Mapping[str, object], *, prefix: str = "") -> Case:
    """The case with the values of one side in it; braces around any other name stay.

    Below v2's prefix, `{prefix}` is that of this side.

    In JSON a text that is nothing but a variable becomes the value itself, a number say.
    """
    if case.below_v2:
        variables = {**variables, PREFIX: prefix}
    media = next((value for name, value in case.headers if name.lower() == "content-type"), "")
    return dataclasses.replace(
        case,
        target=_filled(case.target, variables, lambda text: quote(text, safe="")),
        headers=tuple((name, _filled(value, variables, str)) for name, value in case.headers),
        body=_body_filled(case.body, media, variables),
    )


def variables_save(step: ScenarioStep, answer: SideResponse, variables: Variables) -> list[str]:
    """Save the step's variables; returns the names whose place the response lacks, and forgets their values."""
    try:
        body = json_parse(answer.text) if step.save else None
    except NotJsonError:
        body = None
    missing = []
    for name, place in step.save:
        value = _header_of(answer, place) if isinstance(place, HeaderPlace) else value_at(body, place)
        if value is ABSENT:
            variables.pop(name, None)
            missing.append(name)
        else:
            variables[name] = value
    return missing


def _header_of(answer: SideResponse, place: HeaderPlace) -> object:
    value = answer.header(place.name)
    return ABSENT if value is None else value


def _body_filled(body: bytes, media: str, variables: Mapping[str, object]) -> bytes:
    if not variables or not _VARIABLE.search(text := body.decode("utf-8", "surrogateescape")):
        return body
    if "json" in media:
        text = _QUOTED.sub(lambda found: _json_of(found, variables), text)
        return _filled(text, variables, lambda value: json.dumps(value)[1:-1]).encode("utf-8", "surrogateescape")
    write = quote if "urlencoded" in media else str
    return _filled(text, variables, write).encode("utf-8", "surrogateescape")


def _json_of(found: re.Match[str], variables: Mapping[str, object]) -> str:
    return json_text(variables[found[1]]) if found[1] in variables else found[0]


def _filled(text: str, variables: Mapping[str, object], write: Callable[[str], str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = _name(found)
        return write(_text_of(variables[name])) if name in variables else found[0]

    return _VARIABLE.sub(value, text)


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def _name(found: re.Match[str]) -> str:
    return found[1] or found[2]
