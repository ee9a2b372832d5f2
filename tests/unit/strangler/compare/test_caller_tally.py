"""Which callers a route has to be compared as before its equal answers are proof."""

from typing import Any

import pytest

from strangler.compare.caller_tally import CallerTally
from strangler.compare.case import Case
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side

LEFT = Side(name="django", url="http://left/api", links="/api")
NOBODY, OWNER, OTHER = "", "alice", "bob"


def lacks(*asked: tuple[str, int, str], method: str = "GET", rows: bool = True, **options: Any) -> tuple[str, ...]:
    """What the equal answers of one place lack: callers with a status and a body each."""
    tally = CallerTally()
    for caller, status, body in asked:
        answer = SideResponse(status=status, headers=(), body=body.encode())
        tally.add(LEFT, Case(method=method, target="/posts/1/", caller=caller), answer, has_written=rows)
    return tally.lacks(**options)


ANOTHER = "another user who requests what an owner gets"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([(NOBODY, 401, ""), (OWNER, 401, "")], ("a successful answer",)),
        ([(NOBODY, 200, "a")], ()),
        ([(NOBODY, 200, "a"), (OWNER, 200, "a")], ()),
        ([(NOBODY, 200, "a"), (OWNER, 200, "ab")], (ANOTHER,)),
        ([(OWNER, 200, "a")], ("nobody", ANOTHER)),
        ([(OWNER, 200, "a"), (OTHER, 404, "")], ("nobody",)),
        ([(NOBODY, 401, ""), (OWNER, 200, "a")], (ANOTHER,)),
        ([(NOBODY, 401, ""), (OWNER, 200, "a"), (OTHER, 404, "")], ()),
    ],
)
def test_which_callers_equal_answers_lack(asked: list[tuple[str, int, str]], expected: tuple[str, ...]) -> None:
    assert lacks(*asked) == expected


def test_nobody_has_to_request_what_somebody_gets() -> None:
    tally = CallerTally()
    for caller, target, status in ((OWNER, "/posts/1/", 200), (OTHER, "/posts/1/", 404), (NOBODY, "/posts/0/", 404)):
        answer = SideResponse(status=status, headers=(), body=b"")
        tally.add(LEFT, Case(method="GET", target=target, caller=caller), answer)
    assert tally.lacks() == ("nobody",)


def test_each_method_of_a_route_has_to_succeed_once() -> None:
    asked = (NOBODY, 401, ""), (OWNER, 200, "a"), (OTHER, 404, "")
    assert lacks(*asked, method="PUT", methods=("PUT",)) == ()
    assert lacks(*asked, method="PUT", methods=("GET", "PUT", "PATCH")) == ("a successful GET", "a successful PATCH")


def test_a_write_that_answers_everybody_alike_has_other_rows_in_each_answer() -> None:
    assert lacks((NOBODY, 201, "1"), (OWNER, 201, "2"), method="POST") == ()
    assert lacks((NOBODY, 401, ""), (OWNER, 201, "2"), method="POST") == (ANOTHER,)
    assert lacks((NOBODY, 401, ""), (OTHER, 404, ""), (OWNER, 204, ""), (OWNER, 404, ""), method="DELETE") == ()
    assert lacks((OWNER, 200, ""), method="OPTIONS") == ("a successful answer",)


def test_a_write_that_never_changed_rows_proves_nothing_unless_it_never_does() -> None:
    refused, written = (NOBODY, 401, ""), (OWNER, 201, "2")
    others = (refused, (OTHER, 403, ""), written)
    assert lacks(*others, method="POST") == lacks(*others, rows=False) == ()
    assert lacks(*others, method="POST", rows=False) == ("a write that changes rows",)
    assert lacks(*others, method="POST", rows=False, is_rowless=True) == ()


def test_a_token_of_the_case_itself_is_somebody_and_a_refused_one_nobody() -> None:
    tally = CallerTally()
    for token, status in (("a", 200), ("b", 401)):
        case = Case(method="GET", target="/me/", headers=(("authorization", token),))
        tally.add(LEFT, case, SideResponse(status=status, headers=(), body=b""))
    assert tally.lacks() == ("nobody", ANOTHER)
