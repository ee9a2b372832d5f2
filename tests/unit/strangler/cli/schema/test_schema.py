"""`strangler schema check`, `diff` and `graph` without a database: what they print, and their exit codes."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from shared_schema.consumer.consumer import Consumer, Feature
from shared_schema.contract.contract import Contract
from shared_schema.drift import Mismatch
from strangler.cli import command_line
from strangler.cli.schema import check as checking
from strangler.cli.schema.inputs import Reached
from strangler.errors import FailedError, UsageError
from strangler.schema.comparison import SchemaComparison, unseen_writes
from strangler.schema.graph import graph_make, graph_mermaid, graph_text
from tests.example import CONTRACT_FILE, ROOT


def run(*arguments: str) -> Result:
    command = command_line([f"schema {arguments[0]}"])
    return CliRunner().invoke(command, ["schema", *arguments], catch_exceptions=False)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The contract with another column."""
    document: dict[str, Any] = json.loads(CONTRACT_FILE.read_text(encoding="utf-8"))
    column = {"field": "subtitle", "kind": "CharField", "type": "character varying(200)", "null": True}
    document["tables"]["posts"]["columns"]["subtitle"] = column
    document["tables"]["posts"]["columns"]["title"]["type"] = "text"
    file = tmp_path / "contract.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_a_diff_is_a_line_for_each_difference(changed: Path) -> None:
    result = run("diff", "contract", str(changed))
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "+ column posts.subtitle character varying(200) null",
        "~ column posts.title type: character varying(200) → text",
    ]
    back = run("diff", str(changed), "contract").output.splitlines()
    assert back[0] == "- column posts.subtitle character varying(200) null"
    (first, _) = json.loads(run("diff", "contract", str(changed), "--json").output)
    assert first == {
        "table": "posts",
        "column": "subtitle",
        "subject": "column posts.subtitle",
        "before": None,
        "after": "character varying(200) null",
    }
    same = run("diff", "contract", "contract")
    assert (same.exit_code, same.output) == (0, "")


@pytest.mark.parametrize(
    ("side", "sentence"),
    [
        ("nowhere", r"^nowhere is no side to compare: name one of contract, django, live, git:REVISION or a file\.$"),
        ("git:nowhere", r"^git can't show the contract at nowhere \(.+\): name a revision that has it\.$"),
        ("git:--output=x", r"^git knows no revision --output=x: "),
        (
            __file__,
            r"test_schema.py is wrong at the whole \(.+\): write it with manage.py export_schema --output FILE\.$",
        ),
    ],
)
def test_a_side_that_is_none_is_one_sentence(side: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        run("diff", side, "contract")


def answered(monkeypatch: pytest.MonkeyPatch, *comparisons: SchemaComparison) -> None:
    """Has the comparisons come out so."""
    monkeypatch.setattr(checking, "reach", lambda *_, **__: Reached(None, None, None))
    monkeypatch.setattr(checking, "check_all", lambda _checked: iter(comparisons))


MISSING = Mismatch("posts", "title", "Column posts.title is missing", "fix it", "column posts.title", "text", None)


def test_a_check_is_a_line_for_each_comparison_and_one_for_each_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, SchemaComparison("this and that"), SchemaComparison("these and those", (MISSING,)))
    result = run("check")
    assert result.exit_code == 1
    assert result.output.splitlines() == ["ok  this and that", "1   these and those", str(MISSING)]
    reported = json.loads(run("check", "--json").output)
    assert (reported["ok"], [each["ok"] for each in reported["comparisons"]]) == (False, [True, False])
    assert reported["comparisons"][1]["mismatches"] == [
        {
            "table": "posts",
            "column": "title",
            "message": MISSING.message,
            "hint": "fix it",
            "expected": "text",
            "actual": None,
        }
    ]


@pytest.mark.parametrize("pattern", ["posts", "po*", "posts.title"])
def test_what_may_differ_is_left_out(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    answered(monkeypatch, SchemaComparison("these and those", (MISSING,)))
    assert run("check", "--ignore", pattern).exit_code == 0
    assert run("check", "--ignore", "tags").exit_code == 1


def test_what_could_not_be_compared_is_reported_and_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(
        monkeypatch, SchemaComparison("a and b", (MISSING,)), SchemaComparison("c and d", problem="nobody answers.")
    )
    result = run("check")
    assert result.exit_code == 4
    assert "?   c and d: nobody answers." in result.output


def test_without_django_and_a_database_the_files_are_compared(changed: Path) -> None:
    without = ("--without", "django", "--without", "database")
    assert run("check", *without).output == "ok  the contract and FastAPI\n"
    document = json.loads(changed.read_text(encoding="utf-8"))
    del document["tables"]["posts"]["columns"]["title"]
    changed.write_text(json.dumps(document), encoding="utf-8")
    result = run("check", *without, "--contract", str(changed))
    assert result.exit_code == 1
    assert result.output.startswith("1   the contract and FastAPI\nColumn posts.title is missing (needed by ")


def test_a_picture_is_a_flowchart_of_tables_and_features(tmp_path: Path) -> None:
    lines = run("graph").output.splitlines()
    assert lines[0] == "flowchart LR"
    nodes = dict(re.findall(r'^    (\w+)[(\[]+"([^"]+)"[)\]]+$', "\n".join(lines), flags=re.MULTILINE))
    names = {name: node for node, name in nodes.items() if node.startswith("table")}
    assert f'    {names["posts"]} -->|"author#95;id CASCADE"| {names["users"]}'.replace("#95;", "_") in lines
    assert any(line.endswith(f"==>|reads, inserts, updates, deletes| {names['posts']}") for line in lines)
    file = tmp_path / "schema.mmd"
    assert run("graph", "--output", str(file)).output == ""
    assert file.read_text(encoding="utf-8").splitlines() == lines
    with pytest.raises(FailedError, match="can't be written"):
        run("graph", "--output", str(tmp_path / "no" / "folder"))


def test_a_picture_of_a_part_is_smaller() -> None:
    whole, of_tags, of_feed = (run("graph", *more).output for more in ((), ("--table", "tags"), ("--feature", "feed")))
    assert '"posts"' in of_tags
    assert "token_blacklist" in whole
    assert "token_blacklist" not in of_tags + of_feed
    assert '(["posts"])' not in of_feed


def test_names_that_mermaid_would_take_for_its_own_are_numbers() -> None:
    document = deepcopy({"format": 2, "tables": {'od"d [end] #1': {"name": "x", "model": "a.B", "columns": {}}}})
    drawn = graph_mermaid(graph_make(Contract.model_validate(document), Consumer(features={"a`b": Feature()})))
    assert 'table0[("od#34;d #91;end#93; #35;1")]' in drawn


def test_more_than_mermaid_draws_is_split_by_app() -> None:
    reference = {"table": "a_0", "column": "id", "on_delete": "CASCADE"}
    column = {"field": "x", "kind": "ForeignKey", "type": "bigint", "null": True, "references": reference}
    tables = {
        f"{app}_{number}": {"name": "x", "model": f"{app}.M{number}", "columns": {"x": column}}
        for app in "ab"
        for number in range(275)
    }
    contract = Contract.model_validate({"format": 2, "tables": tables})
    drawn = graph_text(graph_make(contract, Consumer(features={})), contract)
    parts = drawn.split("```mermaid\n")
    assert [part.count("-->") for part in parts] == [0, 275, 275]
    assert drawn.startswith("## a\n\n")
    assert '[("a_0")]' in parts[2], "what an arrow points at is drawn too"


def test_writes_without_what_django_calls_are_noted(changed: Path) -> None:
    document = json.loads(changed.read_text(encoding="utf-8"))
    document["tables"]["posts"] |= {"overrides": ["save"], "receivers": ["post_save blog.signals.index"]}
    contract = Contract.model_validate(document)
    (note,) = unseen_writes(contract, Consumer(features={"posts": Feature(inserts={"posts": ("title",)})}))
    assert note == (
        "posts write posts without blog.Post.save, post_save blog.signals.index, which Django calls for each row."
    )
    assert [*unseen_writes(contract, Consumer(features={"posts": Feature(reads={"posts": ("title",)})}))] == []


def test_the_documented_picture_is_drawn() -> None:
    assert f"```mermaid\n{run('graph', '--feature', 'feed').output}```" in (ROOT / "docs" / "schema.md").read_text(
        "utf-8"
    )
