"""Which callers a comparison has seen answered: equal answers prove nothing of permissions that nobody tried."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from strangler.compare.case import Case
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side
from strangler.rollout.evidence import A_SUCCESSFUL, NO_ROWS

_CREDENTIALS: Final = frozenset({"authorization", "cookie"})
# Of each route: a replayed log has no end.
_MAX_PLACES: Final = 1000


class CallerTally:
    """Which callers were answered alike by both sides, and whether they were let in.

    A route whose answers depend on the caller needs nobody, an owner, and another user who asks for the same: a
    permission that got lost shows with them alone.
    """

    def __init__(self) -> None:
        # By what was requested, then by caller; empty for nobody.
        self._answers: dict[str, dict[str, tuple[bool, object]]] = {}
        # Whether each write that succeeded changed rows.
        self._writes: set[bool] = set()
        self._succeeded: set[str] = set()

    def add(self, side: Side, case: Case, answer: SideResponse, *, has_written: bool = False) -> None:
        """Count a case whose answers are equal, and whether it changed rows on both sides."""
        own = [text for name, text in (*case.headers, *side.headers) if name.lower() in _CREDENTIALS]
        caller = case.caller or "".join(own)
        # OPTIONS says nothing of the row; 401 says that the caller's own token is none.
        if case.method == "OPTIONS" or (own and answer.status == HTTPStatus.UNAUTHORIZED):
            return
        success = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
        if success:
            self._succeeded.add(case.method)
            self._writes |= set() if case.safe else {has_written}
        place = f"{case.method} {case.target}"
        if place in self._answers or len(self._answers) < _MAX_PLACES:
            answers = self._answers.setdefault(place, {})
            # A write that succeeded may well be refused the second time.
            if success or not answers.get(caller, (False, None))[0]:
                answers[caller] = success, (answer.status, hash(answer.body)) if case.safe else success

    def lacks(self, *, methods: Collection[str] = (), is_rowless: bool = False) -> tuple[str, ...]:
        """What is lacking, in words that fit behind `without`; nothing for a whole tally.

        Each of the route's `methods` has to succeed. A route that `is_rowless` changes no rows, whatever its method.
        """
        places = self._answers.values()
        let_in = {caller for answers in places for caller, (success, _shown) in answers.items() if success}
        if not let_in:
            return (f"{A_SUCCESSFUL}answer",)
        callers = {caller for answers in places for caller in answers}
        # That nobody gets what isn't there says nothing of who may have what is there.
        has_nobody = any("" in answers and any(success for success, _shown in answers.values()) for answers in places)
        alike = all(len({shown for _success, shown in answers.values()}) == 1 for answers in places if "" in answers)
        both = callers == {""} or any("" in answers and len(answers) > 1 for answers in places)
        is_open = "" in let_in and alike and both
        pairs = any(
            len(answers.keys() - {""}) > 1 and any(success for caller, (success, _) in answers.items() if caller)
            for answers in places
        )
        return (
            *(f"{A_SUCCESSFUL}{each}" for each in methods if each not in self._succeeded),
            *(["nobody"] if not has_nobody else []),
            *(["another user who requests what an owner gets"] if not (is_open or pairs) else []),
            *([NO_ROWS] if self._writes == {False} and not is_rowless else []),
        )
