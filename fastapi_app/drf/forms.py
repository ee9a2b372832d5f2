"""The fields of an HTML form: several values for one name, and nothing but texts and files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class Form(Mapping[str, Any]):
    """A form's fields. As in Django's QueryDict, a name alone stands for its last value."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self._values: dict[str, list[Any]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a text or a file
        return self._values[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[Any]:
        """Every value of a name, in the order sent."""
        return self._values.get(name, [])

    def indexed(self, name: str) -> list[Any]:
        """The values of `name[0]`, `name[1]` and so on, by index (`rest_framework.utils.html`)."""
        pattern = re.compile(rf"{re.escape(name)}\[([0-9]+)\]")
        found = {int(match[1]): self[key] for key in self if (match := pattern.fullmatch(key))}
        return [found[index] for index in sorted(found)]
