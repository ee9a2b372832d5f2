"""Where the report of a comparison goes: the terminal, and the files that were named."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strangler.cli.output import out
from strangler.compare.report.html import report_html
from strangler.compare.report.json import report_json
from strangler.compare.report.junit import report_junit
from strangler.compare.report.model import Report
from strangler.compare.report.terminal import report_show
from strangler.errors import FailedError, UsageError
from strangler.rollout.evidence import EvidenceFile, evidence_path

_STDOUT: Final = "-"


@dataclass(frozen=True, kw_only=True)
class Reports:
    """The files; with `-` for JSON it is printed in place of the table.

    :raises UsageError: one of them can't be written, which is told before anything is asked.
    """

    as_json: str | None
    junit: Path | None
    html: Path | None

    def __post_init__(self) -> None:
        for file, _form in self._files():
            if not file.parent.is_dir() or file.is_dir():
                raise UsageError(f"{file} can't be written: name a file in a folder that is there.")

    def write(self, report: Report) -> None:
        """Tell what was found.

        :raises FailedError: a file can't be written after all.
        """
        if self.as_json == _STDOUT:
            out.out(report_json(report))
        else:
            report_show(report, out)
        for file, form in self._files():
            try:
                file.write_text(form(report), encoding="utf-8")
            except OSError as error:
                raise FailedError(f"{file} can't be written ({error.strerror}): name another file.") from error

    def _files(self) -> list[tuple[Path, Callable[[Report], str]]]:
        named = [
            (self.as_json if self.as_json != _STDOUT else None, report_json),
            (self.junit, report_junit),
            (self.html, report_html),
        ]
        return [(Path(file), form) for file, form in named if file]


def evidence_keep(report: Report, state_dir: Path) -> None:
    """Keep what the run has shown of the local stack, for those who move its routes.

    :raises FailedError: it can't be kept.
    """
    file = evidence_path(state_dir)
    try:
        EvidenceFile(file).add(report.evidence())
    except OSError as error:
        raise FailedError(f"{file} can't be written ({error.strerror}): let this user write there.") from error
