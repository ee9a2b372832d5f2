"""Which languages a project answers in, and its error texts and labels in each, for a service without Django.

Error texts are those that the sources of Django's, DRF's and the project's own packages mark for translation, labels
what models and serializers call their fields, help texts and choices. Each is translated by Django itself, so that it
comes from the catalogue that Django takes it from.
"""

import ast
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

from django.apps import apps
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils import translation

from strangler_django.labels import Labels

_FORMAT: Final = 1
# What writes an API's errors; all of Django has ten times as many texts. Of two that read alike, the first is taken.
_PACKAGES: Final = (
    "rest_framework",
    "rest_framework_simplejwt",
    "django_filters",
    "django.core.validators",
    "django.db.models.fields",
    "django.db.models.base",
    "django.db.models.constraints",
    "django.forms.fields",
    "django.forms.models",
    "django.contrib.auth.password_validation",
    "django.contrib.auth.validators",
)
_MARKS: Final = {
    "gettext": False,
    "gettext_lazy": False,
    "gettext_noop": False,
    "ngettext": True,
    "ngettext_lazy": True,
}
_LOCALE: Final = "django.middleware.locale.LocaleMiddleware"
_FEWEST_LETTERS: Final = 3
_NUMBERS: Final = 200
_LETTER: Final = re.compile(r"[^\W\d_]")
_PLACEHOLDER: Final = re.compile(r"%(?:\(\w+\))?[sdr]|\{[^}]*\}")
# A text, and its plural where it has one.
_Text: TypeAlias = tuple[str, str | None]


def languages_text() -> str:
    """The document, as sorted JSON with an end of line."""
    return json.dumps(languages_document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def languages_document() -> dict[str, Any]:
    """Languages, messages and translations of this project."""
    negotiated = settings.USE_I18N and _LOCALE in settings.MIDDLEWARE
    supported = {code: _is_readable(code) for code in _codes()} if negotiated else {}
    default = _default(negotiated=negotiated)
    used = dict.fromkeys([*(code for code, there in supported.items() if there), default])
    messages = list(dict.fromkeys(_messages())) if settings.USE_I18N else []
    plurals = {code: _plural_forms(code, messages) for code in used}
    translations = {code: found for code in used if (found := _translations(code, messages, plurals[code]))}
    known = {text for found in translations.values() for text in found}
    labels = Labels()
    return {
        "format": _FORMAT,
        "default": default,
        "negotiated": negotiated,
        "cookie": settings.LANGUAGE_COOKIE_NAME,
        "supported": supported,
        "fallbacks": _fallbacks() if negotiated else {},
        "messages": [[each for each in message if each is not None] for message in messages if message[0] in known],
        "translations": translations,
        "labels": {code: found for code in used if (found := labels.translated(code))},
        "plurals": {code: plurals[code] for code in translations},
    }


def _is_readable(code: str) -> bool:
    """Whether there are catalogues of a language, and Django can read them: it answers 500 in that language else."""
    if not translation.check_for_language(code):
        return False
    try:
        with translation.override(code):
            translation.gettext("This field is required.")
    except ValueError:
        # A catalogue whose plural forms were never filled in.
        return False
    return True


def _default(*, negotiated: bool) -> str:
    code = settings.LANGUAGE_CODE.lower()
    if negotiated:
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            return code
    return code


def _codes() -> list[str]:
    return list(dict.fromkeys(code.lower() for code, _name in settings.LANGUAGES))


def _fallbacks() -> dict[str, list[str]]:
    return {code: facts["fallback"] for code, facts in LANG_INFO.items() if "fallback" in facts}


def _plural_forms(code: str, messages: list[_Text]) -> str:
    """The number of the plural form for each of the first numbers, a digit each."""
    with translation.override(code):
        texts = [
            tuple(translation.ngettext(text, plural, number) for text, plural in messages if plural is not None)
            for number in range(_NUMBERS)
        ]
    forms = list(dict.fromkeys(texts))
    return "".join(str(forms.index(each)) for each in texts)


def _translations(code: str, messages: list[_Text], plurals: str) -> dict[str, list[str]]:
    """What differs from English, by the English text."""
    examples = [plurals.index(form) for form in sorted(set(plurals))]
    found = {}
    with translation.override(code):
        for text, plural in messages:
            if plural is None:
                forms, english = [translation.gettext(text)], [text]
            else:
                forms = [translation.ngettext(text, plural, number) for number in examples]
                english = [text if number == 1 else plural for number in examples]
            if forms != english:
                found[text] = forms
    return found


def _messages() -> Iterator[_Text]:
    """The texts that the sources mark for translation."""
    files = [file for name in _PACKAGES for file in _sources(name)]
    for app in apps.get_app_configs():
        if not app.name.startswith("django."):
            files += sorted(Path(app.path).rglob("*.py"))
    for file in dict.fromkeys(files):
        yield from (
            text for text in _marked(file) if len(_LETTER.findall(_PLACEHOLDER.sub("", text[0]))) >= _FEWEST_LETTERS
        )


def _sources(name: str) -> list[Path]:
    """The files of a package or module; none where it isn't installed."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return []
    if spec is None or spec.origin is None:
        return []
    file = Path(spec.origin)
    return sorted(file.parent.rglob("*.py")) if spec.submodule_search_locations else [file]


def _marked(file: Path) -> Iterator[_Text]:
    """The texts of one file, by the names under which it imports what marks them."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    names = {
        alias.asname or alias.name: _MARKS[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in _MARKS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            count = 2 if names[node.func.id] else 1
            texts = [each.value for each in node.args[:count] if isinstance(each, ast.Constant)]
            if len(texts) == count and all(isinstance(each, str) for each in texts):
                yield texts[0], texts[1] if count == 2 else None
