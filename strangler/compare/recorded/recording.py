"""The file of a recording: the answers of each step, and the rows that it wrote."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from strangler.compare.case import Scenario, ScenarioStep, step_digest
from strangler.compare.client.sides import Side
from strangler.errors import UsageError
from strangler.rollout.atomic_write import write_durably

_FORMAT: Final = 1
_SHOWN: Final = 5
_HINT: Final = "record it anew with strangler record"


@dataclass(frozen=True, kw_only=True)
class RecordedAnswer:
    """A response without the headers that no comparison looks at."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def document(self) -> dict[str, Any]:
        """As it stands in the file: JSON as such where that gives the same bytes again."""
        made: dict[str, Any] = {"status": self.status, "headers": [list(each) for each in self.headers]}
        if not self.body:
            return made
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            return made | {"base64": base64.b64encode(self.body).decode()}
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return made | {"text": text}
        return made | ({"json": value} if _compact(value) == text else {"text": text})

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "RecordedAnswer":
        """The answer that a file holds."""
        if "base64" in document:
            body = base64.b64decode(document["base64"], validate=True)
        elif "json" in document:
            body = _compact(document["json"]).encode()
        else:
            body = str(document.get("text", "")).encode()
        headers = tuple((str(name), str(value)) for name, value in document["headers"])
        return cls(status=int(document["status"]), headers=headers, body=body)


@dataclass(frozen=True, kw_only=True)
class RecordedRows:
    """What a step has changed in a table.

    Attributes:
        total: how many rows it has.
        written: rows, each with its values by column, as PostgreSQL writes them.
        undone: keys of earlier steps' rows that are no more.
        gone: keys of rows that were there before the play and are no more.
    """

    total: int
    written: tuple[Mapping[str, str | None], ...] = ()
    undone: tuple[tuple[str | None, ...], ...] = ()
    gone: tuple[tuple[str | None, ...], ...] = ()

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        made: dict[str, Any] = {"total": self.total}
        if self.written:
            made["written"] = [dict(row) for row in self.written]
        keys = {"undone": self.undone, "gone": self.gone}
        return made | {name: [list(key) for key in found] for name, found in keys.items() if found}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "RecordedRows":
        """The rows that a file holds."""
        return cls(
            total=int(document["total"]),
            written=tuple(dict(row) for row in document.get("written", ())),
            undone=tuple(tuple(key) for key in document.get("undone", ())),
            gone=tuple(tuple(key) for key in document.get("gone", ())),
        )


@dataclass(frozen=True, kw_only=True)
class RecordedStep:
    """A step of a scenario.

    Attributes:
        name: the request, for who reads the file.
        digest: of the case that it was made of.
        answers: as many as there were requests, by status; none where it was left out, and `skipped` says why.
        rows: what it changed, by table.
    """

    name: str
    digest: str
    answers: tuple[RecordedAnswer, ...] = field(default=(), repr=False)
    skipped: str = ""
    rows: Mapping[str, RecordedRows] = field(default_factory=dict, repr=False)

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        made: dict[str, Any] = {"request": self.name, "digest": self.digest}
        if self.skipped:
            return made | {"skipped": self.skipped}
        made["answers"] = [answer.document() for answer in self.answers]
        rows = {table: found.document() for table, found in sorted(self.rows.items())}
        return made | ({"rows": rows} if rows else {})

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "RecordedStep":
        """The step that a file holds."""
        return cls(
            name=str(document["request"]),
            digest=str(document["digest"]),
            skipped=str(document.get("skipped", "")),
            answers=tuple(RecordedAnswer.read(each) for each in document.get("answers", ())),
            rows={str(table): RecordedRows.read(each) for table, each in document.get("rows", {}).items()},
        )


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording of v1.

    Attributes:
        day: when it was made, `2026-11-29` in UTC.
        links: what links in its answers begin with.
        tables: the rows of each table before, as a text that tells them from others.
        scenarios: the steps of each, by its name.
    """

    day: str
    links: str
    tables: Mapping[str, str]
    scenarios: Mapping[str, tuple[RecordedStep, ...]]

    @classmethod
    def load(cls, file: Path) -> "Recording":
        """The recording in a file.

        :raises UsageError: it can't be read, or is none.
        """
        try:
            document = json.loads(file.read_bytes())
            if document["format"] != _FORMAT:
                raise UsageError(f"{file} is a recording of another version of strangler", _HINT)
            return cls(
                day=str(document["day"]),
                links=str(document["links"]),
                tables=dict(document["tables"]),
                scenarios={
                    str(name): tuple(RecordedStep.read(step) for step in steps)
                    for name, steps in document["scenarios"].items()
                },
            )
        except OSError as error:
            raise UsageError(f"{file} can't be read ({error.strerror})", _HINT) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
            raise UsageError(f"{file} is no recording", _HINT) from error

    def save(self, file: Path) -> None:
        """Write the file, whole or not at all.

        :raises OSError: it can't be written.
        """
        document = {
            "format": _FORMAT,
            "day": self.day,
            "links": self.links,
            "tables": dict(sorted(self.tables.items())),
            "scenarios": {name: [step.document() for step in steps] for name, steps in self.scenarios.items()},
        }
        write_durably(file, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode())


def recorded_side(recording: Recording) -> Side:
    """The side that a recording stands for."""
    return Side(name="recorded", url="", links=recording.links)


def scenarios_require(recording: Recording, scenarios: Sequence[Scenario]) -> None:
    """Refuse cases that are not those that were recorded.

    :raises UsageError: there are some; names their files.
    """
    other = [
        scenario.name
        for scenario in scenarios
        if [step_digest(step) for step in scenario.steps]
        != [step.digest for step in recording.scenarios.get(scenario.name, ())]
    ]
    if other:
        more = f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
        raise UsageError(f"the cases of {', '.join(other[:_SHOWN])}{more} are not those that were recorded", _HINT)


def step_name(step: ScenarioStep) -> str:
    """The request in a few words; nothing of its body."""
    case = step.case
    caller = f" as {case.caller}" if case.caller else ""
    return f"{case.method} {case.target}{caller}" + (f": {case.name}" if case.name else "")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
