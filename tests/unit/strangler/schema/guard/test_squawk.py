"""Which remarks of squawk belong to which statement, and what an installation that fails reports."""

from pathlib import Path

import pytest

from strangler.errors import FailedError
from strangler.schema.guard.squawk import lint

VERSION = 180_001


def rules(*statements: str, in_transaction: bool = True) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for remark in lint(statements, version=VERSION, in_transaction=in_transaction):
        found.setdefault(remark.statement, set()).add(remark.rule)
    return found


def test_a_remark_belongs_to_its_statement_over_several_lines() -> None:
    found = rules(
        '--\n-- Create model Tag\n--\nCREATE TABLE "tag" (\n"id" bigint\n);',
        'CREATE INDEX "by"\nON "post"\n("title");',
        'DROP TABLE "old";',
    )
    assert "require-concurrent-index-creation" in found['CREATE INDEX "by"\nON "post"\n("title")']
    assert "ban-drop-table" in found['DROP TABLE "old"']
    assert not any("ban-drop-table" in names for text, names in found.items() if "old" not in text)


def test_an_unreadable_statement_does_not_hide_the_others() -> None:
    found = rules('DROP TABLE "first"', "CREATE INDEX x ON post(%s)", 'DROP TABLE "last"')
    assert found["CREATE INDEX x ON post(%s)"] == {"syntax-error"}
    assert "ban-drop-table" in found['DROP TABLE "first"'] & found['DROP TABLE "last"']


def test_data_statements_are_not_linted() -> None:
    assert rules("-- RunPython\nINSERT INTO post VALUES (%s)", "update post set x = 'a;b'", "SELECT 1 WHERE") == {}
    assert lint([], version=VERSION, in_transaction=True) == []


def test_rules_depend_on_the_transaction() -> None:
    assert "transaction-nesting" in rules("BEGIN", "COMMIT")["BEGIN"]
    assert "transaction-nesting" not in rules("BEGIN", "COMMIT", in_transaction=False).get("BEGIN", set())


def test_a_missing_squawk_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strangler.schema.guard.squawk.shutil.which", lambda *_arguments, **_options: None)
    with pytest.raises(FailedError, match=r"squawk.* isn't installed.*requirements/guard\.txt"):
        lint(["DROP TABLE x"], version=VERSION, in_transaction=True)


def test_unreadable_output_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "squawk"
    program.write_text("#!/bin/sh\necho nonsense\n")
    program.chmod(0o755)
    monkeypatch.setattr("strangler.schema.guard.squawk.shutil.which", lambda *_arguments, **_options: str(program))
    with pytest.raises(FailedError, match="squawk fails"):
        lint(["DROP TABLE x"], version=VERSION, in_transaction=True)
