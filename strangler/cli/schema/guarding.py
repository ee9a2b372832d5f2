"""How the guard's report reads: a block for each migration, the way back, and the verdict on the last line."""

from typing import Final

from rich.text import Text

from strangler.cli.output import out, say
from strangler.schema.guard.findings import Finding
from strangler.schema.guard.report import WORDS, Judged, Report, Return, Verdict, WayBack

_STYLES: Final = {Verdict.SAFE: "green", Verdict.UNSAFE: "yellow", Verdict.BREAKS: "bold red", Verdict.UNJUDGED: "red"}

_BACK: Final = {
    Return.SAFE: "is safe",
    Return.LOSES: "loses what was written meanwhile",
    Return.WRONG: "doesn't lead back",
}


def report_print(report: Report) -> None:
    """Write a report for people."""
    if not report.migrations:
        say(f"No migration is pending on {report.database}.")
        return
    for judged in report.migrations:
        _migration(judged)
    for finding in report.unjudged:
        _finding("?", finding)
    if report.back:
        say("Rolling back:")
        for back in report.back:
            _way_back(back)
    for sentence in report.notes:
        say(f"Note: {sentence}")
    _verdict(report)


def _migration(judged: Judged) -> None:
    out.print(Text.assemble((judged.label, "bold"), "  ", (WORDS[judged.verdict], _STYLES[judged.verdict])))
    if judged.error:
        say(f"  it fails: {judged.error.rstrip('.')}.")
    told: set[tuple[str, ...]] = set()
    for mark, findings in (("breaks", judged.breaks), ("unsafe", judged.unsafe)):
        for finding in findings:
            _finding(mark, finding)
            if finding.steps not in told:
                _steps(finding.steps)
            told.add(finding.steps)


def _steps(steps: tuple[str, ...]) -> None:
    """What to do instead; once for all that has the same way."""
    for number, step in enumerate(steps, start=1):
        say(f"    {number}. {step}")


def _finding(mark: str, finding: Finding) -> None:
    unsaid = [name for name in finding.features if name not in finding.sentence]
    features = f" [{', '.join(finding.features)}]" if unsaid else ""
    say(f"  {mark}: {finding.sentence}{features}")


def _way_back(back: WayBack) -> None:
    say(f"  {back.label}  {_BACK[back.verdict]}")
    for finding in (*back.wrong, *back.losses):
        say(f"    {finding.sentence}")
    for finding in back.first:
        say(f"    Take FastAPI back first: {finding.sentence}")


def _verdict(report: Report) -> None:
    breaks = sum(each.verdict is Verdict.BREAKS for each in report.migrations)
    unsafe = sum(each.verdict is Verdict.UNSAFE for each in report.migrations)
    count = len(report.migrations)
    sentence = {
        Verdict.SAFE: "all are safe to deploy",
        Verdict.UNSAFE: f"{unsafe} unsafe online; the running FastAPI goes on working",
        Verdict.BREAKS: f"{breaks} would break the running FastAPI",
        Verdict.UNJUDGED: "not all of it could be judged",
    }[report.verdict]
    failed = "".join(f" {each.label} fails." for each in report.migrations if each.error)
    back = f" Rolling back {_BACK[report.way_back]}." if report.back else ""
    pending = "1 migration is" if count == 1 else f"{count} migrations are"
    out.print(Text(f"{pending} pending on {report.database}: {sentence}.{failed}{back}", style=_STYLES[report.verdict]))
