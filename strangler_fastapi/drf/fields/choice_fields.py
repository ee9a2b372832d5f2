"""Fields of one or several of given choices, as DRF has them under the same names."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar, Final, Literal

from strangler_fastapi.drf.fields.fields import MISSING, Field, Scope
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.http.limits import MOST_FIELDS
from strangler_fastapi.drf.validators import NO_LIST, Invalid

# What Django shows of no path.
_NO_PATH: Final = "---------"
_CACHE: Final = "__pycache__"


@dataclass(frozen=True, kw_only=True)
class ChoiceField(Field):
    """One of the `choices`, which are given as value → what people read (`serializers.ChoiceField`)."""

    kind: ClassVar[str] = "choice"
    refusal: ClassVar[str] = "is not a valid choice."
    choices: Mapping[Any, str]

    def offered(self) -> Mapping[Any, str]:
        """The choices of the moment."""
        return self.choices

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        if value == "" and self.allow_blank:
            return ""
        for choice in self.offered():
            if str(choice) == str(value):
                return choice
        raise self.refused("invalid_choice", '"{input}" ' + self.refusal, input=value)

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:
        """Of a column of another type than the choices, the choice of the same text."""
        if kind is not None and all(type(choice) is kind for choice in self.choices):
            return None
        by_text = {str(choice): choice for choice in self.choices}
        return lambda value: by_text.get(str(value), value)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        blank = ("",) if self.allow_blank and "" not in self.choices else ()
        if not all(isinstance(choice, str | int) for choice in self.choices):
            return str
        return Literal[(*self.choices, *blank)]

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return next(iter(self.choices))

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        if self.read_only:
            return super().describe(name)
        shown = [{"value": value, "display_name": text} for value, text in self.offered().items()]
        return super().describe(name) | {"choices": shown}


@dataclass(frozen=True, kw_only=True)
class MultipleChoiceField(ChoiceField):
    """Any of the `choices`, each once (`serializers.MultipleChoiceField`)."""

    kind: ClassVar[str] = "multiple choice"
    allow_empty: bool = True

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, D102 - see Field
        return MISSING if partial and name not in form else form.all(name)

    async def convert(self, value: Any, scope: Scope) -> list[Any]:  # noqa: ANN401, D102 - see Field
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise self.refused("not_a_list", NO_LIST, input_type=type(value).__name__)
        given = [*value]
        if not (given or self.allow_empty):
            raise self.refused("empty", "This selection may not be empty.")
        if len(given) > MOST_FIELDS:
            raise Invalid(f"Ensure this field has no more than {MOST_FIELDS} elements.")
        return [*dict.fromkeys([await super(MultipleChoiceField, self).convert(item, scope) for item in given])]

    def representation(self, kind: type | None = None) -> Callable[[Any], Any]:  # noqa: ARG002, D102 - see Field
        by_text = {str(choice): choice for choice in self.choices}
        return lambda values: [*dict.fromkeys(by_text.get(str(value), value) for value in values)]

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        kind: Any = list[super().value_type(request=request)]  # type: ignore[misc] # a type that is computed
        return kind

    def sample(self) -> list[Any]:  # noqa: D102 - see Field
        return [super().sample()]


@dataclass(frozen=True, kw_only=True)
class FilePathField(ChoiceField):
    """The path of a file in a folder of this machine, as it is there at the moment (`serializers.FilePathField`).

    `match` is a pattern of names. The empty path is a choice too, but where Django's field says `required=True`:
    `allow_none=False`.
    """

    refusal: ClassVar[str] = "is not a valid path choice."
    choices: Mapping[Any, str] = field(default_factory=dict)
    path: str
    match: str | None = None
    recursive: bool = False
    allow_files: bool = True
    allow_folders: bool = False
    allow_none: bool = True

    def offered(self) -> Mapping[Any, str]:
        """See ChoiceField."""
        found = self._below() if self.recursive else self._inside()
        return ({"": _NO_PATH} if self.allow_none else {}) | dict(found)

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: D102 - see Field
        return None if kind is str else str

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return str

    def sample(self) -> str:  # noqa: D102 - see Field
        return self.path

    def _inside(self) -> list[tuple[str, str]]:
        with os.scandir(self.path) as entries:
            wanted = [
                (each.path, each.name)
                for each in entries
                if each.name != _CACHE
                and self._matches(each.name)
                and ((self.allow_files and each.is_file()) or (self.allow_folders and each.is_dir()))
            ]
        return sorted(wanted, key=itemgetter(1))

    def _below(self) -> Iterator[tuple[str, str]]:
        for root, folders, files in sorted(os.walk(self.path)):
            names = [*(sorted(files) if self.allow_files else ()), *(sorted(folders) if self.allow_folders else ())]
            for name in names:
                if self._matches(name) and not (name == _CACHE and name in folders):
                    whole = os.path.join(root, name)  # noqa: PTH118 - the text that Django makes
                    yield whole, whole.replace(self.path, "", 1)

    def _matches(self, name: str) -> bool:
        return self.match is None or re.search(self.match, name) is not None


def grouped(choices: Mapping[Any, Any]) -> dict[Any, str]:
    """Choices whose groups are given as name → choices, as value → what people read."""
    flat: dict[Any, str] = {}
    for value, text in choices.items():
        flat |= text if isinstance(text, Mapping) else {value: text}
    return flat
