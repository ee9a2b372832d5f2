"""Code is laid out as `ruff format` would lay it out."""

import subprocess
import sys

import pytest

from strangler.adoption.scaffold.code import Code, Text, call, dictionary, quoted, statement, texts

LONG = "a text of many words that goes on and on, " * 4 + 'and ends\nwith another line, which says "quoted" things.'


@pytest.mark.parametrize(
    "code",
    [
        call("f", "a", b=texts(["one"])),
        call("f", *(quoted("x" * 30) for _ in range(3))),
        call("f", *(quoted("x" * 50) for _ in range(3))),
        call("f", call("g", *(quoted("x" * 40) for _ in range(3))), b=texts(["y" * 40] * 3)),
        dictionary({"key": call("f", "a"), "other": texts(["z" * 30] * 4)}),
        texts([]),
        call("f", said=Text(LONG)),
        call("f", said=Text("short")),
    ],
)
def test_it_is_as_the_formatter_has_it(code: Code) -> None:
    text = statement("name", code) + "\n"
    argv = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "-"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=True)  # noqa: S603 - ruff
    assert text == done.stdout


def test_a_long_text_stays_the_same() -> None:
    assert eval(statement("f", Text(LONG)).removeprefix("f = ")) == LONG  # noqa: S307 - what was written just now
