"""Wrong usage of `strangler compare` is one sentence that repeats no secret."""

import os
import subprocess
import sys

import pytest

from tests.comparison_runs import SECONDS, Compare
from tests.example import ROOT
from tests.shadows import Reply, TinyStack


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("http://h:1",), 2, "name two base addresses, LEFT and RIGHT, or none for the local stack."),
        (("ftp://h", "http://h"), 2, "LEFT is no base address: write it like http://127.0.0.1:8000/api."),
        (("http://u:geheim@h", "http://h"), 2, "LEFT holds a name or a password"),
        (("http://h", "http://h", "--header", "geheim"), 2, "a --header is no header"),
        (("http://h", "http://h", "--route", "nothing.*"), 2, "no route is named nothing.*"),
        (("http://h", "http://h", "--junit", "/nowhere/at/all.xml"), 2, "/nowhere/at/all.xml can't be written"),
        (("http://h", "http://h", "--from-log", "/nowhere.log"), 2, "/nowhere.log can't be read"),
        (("http://h", "http://h", "--declared", "/nowhere.toml"), 2, "/nowhere.toml can't be read"),
    ],
)
def test_wrong_usage_is_one_sentence(compare: Compare, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    left, *rest = arguments
    sources = [] if "--from-log" in arguments else ["--cases", str(compare.cases)]
    found = subprocess.run(  # noqa: S603 - the command under test
        [sys.executable, "-m", "strangler.cli", "compare", left, *rest, *sources],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert found.returncode == code, found.stderr
    assert found.stderr.startswith("strangler: ")
    assert sentence in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert "geheim" not in found.stderr


def test_a_refused_login_is_one_sentence(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    stacks[0].reply = lambda _request: Reply(b'{"detail":"no"}', status=401)
    run = compare.run(stacks[0].url, stacks[1].url, "--login", "alice")
    assert (run.code, run.out) == (2, "")
    assert run.err == "strangler: left does not sign alice in (status 401): check the name and STRANGLER_PASSWORD.\n"
