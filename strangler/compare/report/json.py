"""The report for a machine: one JSON object."""

import dataclasses
import json

from strangler.compare.report.model import Report


def report_json(report: Report) -> str:
    """The report's fields under their own names, with the exit code that goes with it."""
    return json.dumps({"exit_code": report.exit_code, **dataclasses.asdict(report)}, indent=2, ensure_ascii=False)
