"""The report for a machine: one JSON object."""

import dataclasses
import json

from strangler.compare.report.model import Report


def report_json(report: Report) -> str:
    """The report's fields under their own names, with the exit code that goes with it."""
    text = json.dumps({"exit_code": report.exit_code, **dataclasses.asdict(report)}, indent=2, ensure_ascii=False)
    # A body may hold half a character, as "\ud800" does, which no file can; what replaces it is JSON's own escape.
    return text.encode(errors="backslashreplace").decode()
