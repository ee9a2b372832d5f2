"""`make fuzz`: Schemathesis makes requests of both OpenAPI documents, and plays them through nginx; who answers 500?"""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from strangler.cli.output import say
from strangler.errors import FailedError
from tests.bench.command import bench_run
from tests.example import EXAMPLE, ROOT
from tests.page_sections import section_write
from tests.torture.outcome import PAGE
from tests.torture.stack import LOGS, TorturedStack, tortured_stack

# An environment of its own: what Schemathesis brings along is needed nowhere else.
PROGRAM: Final = ROOT / ".run" / "fuzz" / "bin" / "schemathesis"
HEAD: Final = (
    "| stack | operations | requests | 500 and above | leaks | other findings |",
    "| --- | --- | --- | --- | --- | --- |",
)
_HOOKS: Final = "tests.torture.fuzz_checks"
# The titles of what may never be found.
_SERVER_ERROR: Final = "Server error"
_LEAK: Final = "Custom check failed: `no_internals_in_answers`"
_BAD: Final = 1
# Its own exit codes: nothing found, something found.
_ENDED: Final = (0, 1)


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """What was found in the answers of one stack; `others` are findings by their titles."""

    stack: str
    operations: int
    requests: int
    errors: int
    leaks: int
    others: Counter[str]

    @classmethod
    def of(cls, stack: str, report: Any) -> "Fuzzed":
        """Read its JSON report."""
        found = Counter({failure["title"]: failure["count"] for failure in report["failures"]})
        return cls(
            stack=stack,
            operations=report["operations"]["tested"],
            requests=report["test_cases"]["generated"],
            errors=sum(number for title, number in found.items() if title.startswith(_SERVER_ERROR)),
            leaks=found[_LEAK],
            others=Counter({title: n for title, n in found.items() if not title.startswith((_SERVER_ERROR, _LEAK))}),
        )

    def __str__(self) -> str:
        others = ", ".join(f"{number} × {name}" for name, number in sorted(self.others.items())) or "0"
        figures = (f"{self.operations:,}", f"{self.requests:,}", f"{self.errors:,}", f"{self.leaks:,}")
        return f"| {' | '.join((self.stack, *figures, others))} |"


def fuzz(
    seconds: Annotated[int, typer.Option(help="How long each stack is asked.", min=10)] = 120,
    seed: Annotated[int, typer.Option(help="Draw the requests from this seed.")] = 1,
    write: Annotated[bool, typer.Option(help="Write the table to docs/reliability.md.")] = True,
) -> None:
    """Ask both stacks, through nginx, for what their OpenAPI documents promise and for what they forbid."""
    if not PROGRAM.exists():
        raise FailedError("Schemathesis isn't installed", "make fuzz installs it in an environment of its own")
    rows = []
    for stack, document in (
        ("django", EXAMPLE.django.openapi + "?format=json"),
        ("fastapi", EXAMPLE.fastapi.openapi),
    ):
        # A database each: what one has deleted, or whose password it has changed, the other would miss.
        with tortured_stack(TorturedStack) as tortured:
            rows.append(_asked(tortured, stack, document, seconds=seconds, seed=seed))
        say(str(rows[-1]))
    if write:
        section_write(PAGE, "fuzz", [*HEAD, *map(str, rows)])
    if any(row.leaks or (row.errors and row.stack == "fastapi") for row in rows):
        sys.exit(_BAD)


def _asked(tortured: TorturedStack, stack: str, document: str, *, seconds: int, seed: int) -> Fuzzed:
    LOGS.mkdir(parents=True, exist_ok=True)
    report, log = LOGS / f"fuzz-{stack}.json", LOGS / f"fuzz-{stack}.txt"
    command = [
        *(str(PROGRAM), "run", tortured.url + document, "--max-time", str(seconds), "--seed", str(seed)),
        *("--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure", "--no-color"),
        *("--header", f"Authorization: Bearer {tortured.token()}", "--request-timeout", "30"),
        *("--generation-database", "none", "--report", "json", "--report-json-path", str(report)),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": _HOOKS, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - Schemathesis, no shell
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=LOGS, check=False
        )
    if done.returncode not in _ENDED or not report.exists():
        raise FailedError(f"Schemathesis ended with code {done.returncode}", f"{_shown(log)} says why")
    return Fuzzed.of(stack, json.loads(report.read_text(encoding="utf-8")))


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    bench_run(fuzz, name="fuzz")
