"""The language of a request, and error texts in it.

Django's LocaleMiddleware chooses the language, and its message catalogues hold the texts. `manage.py export_languages`
writes what a service needs of both, so that it has them without Django. Texts are translated as they go out, by the
English sentence: `Ensure this field has no more than 5 characters.` is found by the catalogue's
`Ensure this field has no more than {max_length} characters.`

Source: `django.utils.translation.trans_real`, `django.middleware.locale`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Self

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from strangler_fastapi.errors import ErrorDetail

_FORMAT: Final = 1
# Of a header, as much as Django reads.
_LONGEST: Final = 500
# Of a text, as much as is compared with each message; a longer one repeats what the client has sent.
_LONGEST_TEXT: Final = 4_096
_ACCEPTED: Final = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:\s*;\s*q=(0(?:\.[0-9]{,3})?|1(?:\.0{,3})?))?(?:\s*,\s*|$)"
)
_CODE: Final = re.compile(r"^[a-z]{1,8}(?:-[a-z0-9]{1,8})*(?:@[a-z0-9]{1,20})?$", re.IGNORECASE)
_BRACES: Final = re.compile(r"\{(\w*)(?:![rsa])?(?::[^}]*)?\}")
_PERCENT: Final = re.compile(r"%(?:\((\w+)\))?([sdr])")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) ")
# Of these, a program reads the values: simplejwt's. Errors of a field of such a name are a list.
_NO_TEXTS: Final = frozenset({"code", "token_class", "token_type"})
# What people read in the answer to OPTIONS.
_READ: Final = frozenset({"label", "help_text", "display_name"})
# Placeholders that stand for a model or a field.
_NAMES: Final = frozenset({"model_name", "field_label"})
# Placeholders that stand for a text of the catalogue's own.
_TEXTS: Final = frozenset({"protocol"})
# Plural forms repeat by the hundred, as the rules of gettext do.
PLURAL_CYCLE: Final = 100


@dataclass(frozen=True)
class Message:
    """A text of a catalogue, with placeholders; `plural` is its form for more than one of something."""

    text: str
    plural: str | None = None


@dataclass(frozen=True)
class _Template:
    """How one form of a message is recognised, and which values it holds."""

    message: Message
    text: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    literals: int

    @classmethod
    def of(cls, message: Message, text: str) -> Self:
        pieces, names, literals = [], [], 0
        for literal, name, kind in _pieces(text):
            pieces.append(re.escape(literal))
            literals += len(literal)
            if name is not None:
                pieces.append(r"(-?\d+)" if kind == "d" else "(.*?)")
                names.append(name)
        return cls(message, text, re.compile("".join(pieces), re.DOTALL), tuple(names), literals)

    def values(self, text: str) -> dict[str, str] | None:
        """The values by name; None where `text` is another message."""
        found = self.pattern.fullmatch(text)
        return dict(zip(reversed(self.names), reversed(found.groups()), strict=True)) if found else None


class Untranslated(str):
    """A text of OPTIONS that is the same in every language, though a catalogue may have one that reads like it."""

    __slots__ = ()


@dataclass(frozen=True)
class Languages:
    """The languages of a project.

    Args:
        default: the language of a request that names none.
        negotiated: whether a request may name one, by cookie or `Accept-Language` (LocaleMiddleware).
        cookie: the name of that cookie.
        supported: the codes of LANGUAGES, in lower case, and whether there is a catalogue of each.
        fallbacks: the codes to be tried instead of one, such as `zh-hans` for `zh-cn`.
        messages: the texts, in English.
        translations: by language and English text, the text; one for each plural form, of a message that has them.
        plurals: by language, the number of the form for each of the first 200 numbers, a digit each.
        labels: by language and untranslated text, what people read of fields, models and choices.
    """

    default: str
    negotiated: bool
    cookie: str
    supported: Mapping[str, bool]
    fallbacks: Mapping[str, Sequence[str]]
    messages: Sequence[Message]
    translations: Mapping[str, Mapping[str, Sequence[str]]]
    plurals: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Self:
        """What `manage.py export_languages` wrote.

        Raises:
            ValueError: the file is no such document.
            OSError: it isn't readable.
        """
        document = json.loads(file.read_text("utf-8"))
        if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
            msg = f"{file} is no document of format {_FORMAT}: write it again with manage.py export_languages."
            raise ValueError(msg)
        messages = [Message(*each) for each in document.pop("messages")]
        return cls(messages=messages, **document)

    def of_request(self, headers: Headers) -> str:
        """The code of a request's language, as Django's `get_language_from_request` finds it."""
        if not self.negotiated:
            return self.default
        cookies = cookie_parser("; ".join(headers.getlist("cookie")))
        accepted = ",".join(headers.getlist("accept-language"))
        if len(accepted) > _LONGEST:
            accepted = accepted[: max(accepted.rfind(",", 0, _LONGEST), 0)]
        named = [cookies.get(self.cookie, ""), *_accepted(accepted)]
        return next((found for code in named if (found := self._variant(code.lower()))), self.default)

    def _variant(self, code: str) -> str | None:
        """The supported language that is nearest to `code`."""
        if len(code) > _LONGEST:
            code = code[: max(code.rfind("-", 0, _LONGEST), 0)]
        if not code:
            return None
        nearer = [code, *self.fallbacks.get(code, ())]
        parts = code.split("-")
        nearer += ["-".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
        for each in nearer:
            if self.supported.get(each) and _CODE.search(each):
                return each
        return next((each for each in self.supported if each.startswith(f"{nearer[-1]}-")), None)

    def translated(self, body: Any, language: str) -> Any:  # noqa: ANN401 - any JSON
        """An answer's errors in a language; what no catalogue knows stays in English."""
        texts = self.translations.get(language)
        if not texts:
            return body
        if isinstance(body, ErrorDetail):
            return ErrorDetail(self._translated(body, language, body.message), body.code)
        if isinstance(body, str):
            return self._translated(body, language)
        if isinstance(body, Mapping):
            return {
                key: value if key in _NO_TEXTS and isinstance(value, str) else self.translated(value, language)
                for key, value in body.items()
            }
        if isinstance(body, list | tuple):
            return [self.translated(each, language) for each in body]
        return body

    def described(self, facts: Any, language: str) -> Any:  # noqa: ANN401 - any JSON
        """What OPTIONS says of a body, with labels, help texts and choices in a language."""
        labels = self.labels.get(language)
        if not labels or not isinstance(facts, Mapping):
            return [self.described(each, language) for each in facts] if labels and isinstance(facts, list) else facts
        return {
            key: _label(value, labels) if key in _READ and _may_differ(value) else self.described(value, language)
            for key, value in facts.items()
        }

    def _translated(self, text: str, language: str, message: str | None = None) -> str:
        if len(text) > _LONGEST_TEXT:
            return text
        found = self._one(text, language, message)
        if found is None and len(sentences := _SENTENCE_END.split(text)) > 1:
            # DRF joins some of two messages: what is throttled, and for how long.
            return " ".join(self._one(each, language) or each for each in sentences)
        return text if found is None else found

    def _one(self, text: str, language: str, message: str | None = None) -> str | None:
        """The translation of one message, of `message` if that is given; None where no catalogue has it."""
        texts = self.translations[language]
        for template in (self._plain[text],) if message is None and text in self._plain else self._templates:
            forms = texts.get(template.message.text)
            if forms is None or message not in (None, template.message.text):
                continue
            if (values := template.values(text)) is not None:
                labels = self.labels.get(language, {})
                values |= {name: _label(value, labels) for name, value in values.items() if name in _NAMES}
                values |= {
                    name: self._one(value, language) or value for name, value in values.items() if name in _TEXTS
                }
                return _filled(forms[self._form(language, template, values, forms)], values)
        return None

    def _form(self, language: str, template: _Template, values: Mapping[str, str], forms: Sequence[str]) -> int:
        """Which plural form: that of the first number in the message, or of one where it says none."""
        if len(forms) == 1:
            return 0
        unsaid = 1 if template.text == template.message.text else 2
        number = next((abs(int(each)) for each in values.values() if each.lstrip("-").isdecimal()), unsaid)
        if number >= 2 * PLURAL_CYCLE:
            number = PLURAL_CYCLE + number % PLURAL_CYCLE
        return min(int(self.plurals[language][number]), len(forms) - 1)

    @cached_property
    def _all(self) -> list[_Template]:
        return [
            _Template.of(message, text)
            for message in self.messages
            for text in (message.text, message.plural)
            if text is not None
        ]

    @cached_property
    def _plain(self) -> dict[str, _Template]:
        """Messages without a placeholder, by their text."""
        return {template.text: template for template in self._all if not template.names}

    @cached_property
    def _templates(self) -> list[_Template]:
        """The others, those that say the most first."""
        return sorted((each for each in self._all if each.names), key=lambda each: -each.literals)


def _may_differ(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return isinstance(value, str) and not isinstance(value, Untranslated)


def _label(text: str, labels: Mapping[str, str]) -> str:
    """A text in a language; DRF has the first letter of a model's capital."""
    if text in labels:
        return labels[text]
    found = labels.get(text[:1].lower() + text[1:])
    return text if found is None else found[:1].upper() + found[1:]


def _pieces(text: str) -> Iterator[tuple[str, str | None, str]]:
    """The literal parts of a message, each with the name and kind of the placeholder after it; the last has none."""
    percent = bool(_PERCENT.search(text))
    found = list((_PERCENT if percent else _BRACES).finditer(text))
    starts = [0, *(match.end() for match in found)]
    ends = [*(match.start() for match in found), len(text)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        literal = text[start:end].replace("%%", "%") if percent else text[start:end]
        if number == len(found):
            yield literal, None, ""
        else:
            match = found[number]
            yield literal, match.group(1) or str(number), match.group(2) if percent else "s"


def _filled(text: str, values: Mapping[str, str]) -> str:
    parts = []
    for literal, name, _kind in _pieces(text):
        parts.append(literal)
        if name is not None:
            parts.append(values.get(name, ""))
    return "".join(parts)


@lru_cache(maxsize=1000)
def _accepted(header: str) -> tuple[str, ...]:
    """The codes of an `Accept-Language`, the most wanted first, up to `*`; none of one that isn't well-formed."""
    pieces = _ACCEPTED.split(header.lower())
    if pieces[-1] or any(pieces[number] for number in range(0, len(pieces) - 1, 3)):
        return ()
    wanted = [(pieces[number + 1], float(pieces[number + 2] or 1)) for number in range(0, len(pieces) - 1, 3)]
    codes = [code for code, _weight in sorted(wanted, key=lambda each: -each[1])]
    return tuple(codes[: codes.index("*")] if "*" in codes else codes)
