"""The tool knows no project: what is true of one only stands in its project file."""

import re

import pytest

from tests.example import EXAMPLE, ROOT

SOURCES = sorted((ROOT / "strangler").rglob("*.py"))
# Names of the example, and ways to find the checkout.
KNOWN = {
    "the checkout": r"\bROOT\b",
    "a package of the example": r"\b(django_app|fastapi_app)\b",
    # As a text of its own: the library bears the same name.
    "the role": rf"[\"']{EXAMPLE.database.fastapi_role}[\"']",
    "a port": r"(?<!Port = )(?<!listen=\(\")\b(8001|8002|8080|54320)\b",
    "a probe": r"/health/",
    "a table": r"[\"'](users|posts|tags|blog_\w+)[\"']",
    "a prefix": r"[\"']/api(/v2)?[\"']",
    "a sign-in route": r"[\"']auth\.",
}


# What a hint shows to be written, and what an option's help shows to be typed.
EXAMPLES = re.compile(r"(such as|write it like) .*|`[^`]*`")


@pytest.mark.parametrize("what", KNOWN)
def test_the_tool_does_not_know(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(KNOWN[what], EXAMPLES.sub("", line))
    ]
    assert found == []
