"""What Schemathesis looks for in each answer, besides its own checks; it imports this module by SCHEMATHESIS_HOOKS."""

import re
from typing import Any, Final

import schemathesis

# Of traces, of SQL, of drivers, of the machine's own files.
_INTERNALS: Final = re.compile(
    r"Traceback \(most recent call last\)|File \"/|site-packages|/usr/lib/python|\bpsycopg\b|\basyncpg\b|sqlalchemy"
    r"|\bSELECT\b.{0,200}\bFROM\b|\bINSERT INTO\b|\bDETAIL:  |\bLINE \d+:|SQLSTATE",
    re.DOTALL,
)


@schemathesis.check
def no_internals_in_answers(_context: Any, response: Any, case: Any) -> None:
    """No answer shows a trace, SQL or a path, unless the request itself had it."""
    found = _INTERNALS.search(response.text)
    if found and found.group() not in repr((case.body, case.query, case.path_parameters)):
        raise AssertionError(f"the answer shows {found.group()[:80]!r}")
