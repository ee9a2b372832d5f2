"""Declared differences hold for their route and statuses, until they expire."""

import datetime as dt
from pathlib import Path

from strangler.compare.declared import DeclaredDifferences, declared_differences

TEXT = """
[[difference]]
route = "users.me"
v1 = 500
v2 = 401
reason = "v1 fails."
owner = "api"
expires = 2027-12-31
"""


def test_a_declared_difference_is_meant_until_its_last_day(tmp_path: Path) -> None:
    (tmp_path / "declared.toml").write_text(TEXT)
    declared = DeclaredDifferences(declared_differences(tmp_path / "declared.toml"))
    last = dt.date(2027, 12, 31)
    assert declared.hold("users.me", 500, 401, today=last)
    assert not declared.hold("users.me", 500, 401, today=last + dt.timedelta(days=1))
    assert not declared.hold("users.me", 401, 500, today=last)
    assert not declared.hold("users.list", 500, 401, today=last)


def test_the_deployed_file_can_be_read() -> None:
    assert declared_differences()
