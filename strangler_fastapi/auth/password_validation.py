"""Is a password good enough? Django's default AUTH_PASSWORD_VALIDATORS, in their order and words."""

import gzip
import re
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

_SHORTEST = 8
_MOST_SIMILAR = 0.7
# The 20,000 most common passwords that Django ships, a compilation by Royce Williams; a test compares the two files.
_COMMON = Path(__file__).with_name("common_passwords.txt.gz")


def password_problems(password: str, *, username: str, email: str) -> list[str]:
    """What is wrong with a password, one sentence each; none where it may be used."""
    problems = []
    if similar := _similar_to(password.lower(), {"username": username, "email address": email}):
        problems.append(f"The password is too similar to the {similar}.")
    if len(password) < _SHORTEST:
        problems.append(f"This password is too short. It must contain at least {_SHORTEST} characters.")
    if password.lower().strip() in common_passwords():
        problems.append("This password is too common.")
    if password.isdigit():
        problems.append("This password is entirely numeric.")
    return problems


@cache
def common_passwords() -> frozenset[str]:
    """Passwords that everybody tries first, in lower case."""
    with gzip.open(_COMMON, "rt", encoding="utf-8") as lines:
        return frozenset(line.strip() for line in lines)


def _similar_to(password: str, attributes: dict[str, str]) -> str | None:
    for name, value in attributes.items():
        parts = [*re.split(r"\W+", value.lower()), value.lower()] if value else []
        if any(_is_similar(password, part) for part in parts):
            return name
    return None


def _is_similar(password: str, part: str) -> bool:
    # Far apart in length means far apart: this spares the costly comparison, as Django does.
    if len(password) >= 10 * len(part) and len(part) < _MOST_SIMILAR / 2 * len(password):
        return False
    return SequenceMatcher(a=password, b=part).quick_ratio() >= _MOST_SIMILAR
