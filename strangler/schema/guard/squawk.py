"""Squawk, a linter for the SQL of migrations: https://squawkhq.com/docs/rules."""

import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from strangler.errors import FailedError
from strangler.schema.compatibility.sql_text import uncommented
from strangler.settings import base_environment

_SYNTAX: Final = "syntax-error"
_SECONDS: Final = 60
# Data migrations aren't linted: their statements may hold anything.
_ROWS: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|COPY|VALUES)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Remark:
    """A rule of squawk's that a statement breaks, from character `start` of it."""

    rule: str
    statement: str
    start: int = 0


def lint(statements: Sequence[str], *, version: int, in_transaction: bool) -> list[Remark]:
    """Lint the statements of one migration; `version` is PostgreSQL's, such as 180001.

    A statement that squawk can't read is a remark of the rule `syntax-error`, and the others are linted without it.

    :raises FailedError: squawk isn't installed, or it fails.
    """
    options = ["--assume-in-transaction"] if in_transaction else []
    options.append(f"--pg-version={version // 10_000}.{version % 10_000}")
    left = [text for text in map(_tidy, statements) if text and not _ROWS.match(text)]
    remarks = list(_remarks(left, options))
    unread = [remark for remark in remarks if remark.rule == _SYNTAX]
    if unread:
        broken = {remark.statement for remark in unread}
        remarks = unread + lint(
            [text for text in left if text not in broken], version=version, in_transaction=in_transaction
        )
    return remarks


def _tidy(statement: str) -> str:
    plain = uncommented(statement)
    # What is said of a statement shows it without the comments before it.
    return statement[len(plain) - len(plain.lstrip()) :].strip().rstrip(";").rstrip()


def _remarks(statements: Sequence[str], options: Sequence[str]) -> Iterator[Remark]:
    """Squawk's output names lines and bytes of the whole text, so each remark is assigned to the statement there."""
    if not statements:
        return
    lines = [(text, number) for text in statements for number in range(text.count("\n") + 1)]
    for remark in _squawk(";\n".join(statements) + ";\n", options):
        text, number = lines[min(remark["line"], len(lines) - 1)]
        before = text.split("\n")[: number + 1]
        before[-1] = before[-1].encode()[: remark["column"]].decode(errors="ignore")
        yield Remark(remark["rule_name"], text, len("\n".join(before)))


def _squawk(text: str, options: Sequence[str]) -> list[dict[str, Any]]:
    program = shutil.which("squawk", path=sysconfig.get_path("scripts")) or shutil.which("squawk")
    if program is None:
        raise FailedError(
            "squawk, which lints the SQL of migrations, isn't installed",
            ".venv/bin/python -m pip install -r requirements/guard.txt",
        )
    # A configuration file of the project would silence rules.
    argv = [program, "--reporter=json", "--stdin-filepath=migration.sql", "--config=/dev/null", *options]
    try:
        done = subprocess.run(  # noqa: S603 - never a shell
            argv, input=text, capture_output=True, text=True, check=False, timeout=_SECONDS, env=base_environment()
        )
        remarks: list[dict[str, Any]] = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        raise FailedError(f"squawk fails ({error})", "install requirements/guard.txt again") from error
    return remarks
