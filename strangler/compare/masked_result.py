"""What may be shown of a case that differs: its request, as a command too, and both answers, without secrets."""

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from strangler.compare.case import Case
from strangler.compare.cases.router import is_rewritten
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.response import Headers
from strangler.compare.client.sides import Side
from strangler.compare.client.sign_in import BEARER
from strangler.compare.comparison import CaseResult
from strangler.compare.redaction import Masker, is_secret
from strangler.compare.report.model import ROWS, Example, RowDifference, ShownResponse

_LONGEST: Final = 4000
_GLOB: Final = re.compile(r"[\[\]{}]")

MAX_BODY: Final = 10_000
MAX_PLACES: Final = 50
_MAX_HEADERS: Final = 40
_MAX_HEADER: Final = 500


def curl_text(side: Side, case: Case, masker: Masker, *, credentials: Headers = BEARER) -> str:
    """The command that sends the same to `side`; `credentials` are a caller's headers, with variables of the shell."""
    side = side.requested_for(case)
    words = ["curl", "-sI" if case.method == "HEAD" else "-si"]
    # curl makes many addresses of one with brackets, and another path of one with dots.
    words += ["-g"] if _GLOB.search(case.target) else []
    words += ["--path-as-is"] if is_rewritten(case.target) else []
    if case.method not in {"GET", "HEAD"}:
        words += ["-X", shlex.quote(case.method)]
    words.append(shlex.quote(masker.text(side.url + case.target)))
    own = {name.lower() for name, _ in case.headers}
    besides = [(name, text) for name, text in side.headers if name.lower() not in own]
    for name, text in (*case.headers, *besides):
        if text and not is_secret(name):
            words += ["-H", shlex.quote(masker.text(f"{name}: {text}"))]
    left_out = {name.lower() for name, text in case.headers if not text}
    for name, text in credentials if case.caller else ():
        if name.lower() not in left_out:
            words += ["-H", f'"{name}: {text}"']
    if case.body:
        # Unlike --data-binary it reads no file where the body begins with @.
        words += ["--data-raw", shlex.quote(_body(case, masker))]
    return " ".join(words)


def _body(case: Case, masker: Masker) -> str:
    media = next((text for name, text in case.headers if name.lower() == "content-type"), "")
    shown = masker.body(case.body, media, indent=False)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


@dataclass(frozen=True)
class MaskedResult:
    """What may be shown of a case; its example is made where there is room for one.

    `sent` are the sides with the request that each was sent, `credentials` the headers of a caller as `curl` has them.
    """

    case: Case
    result: CaseResult
    rows: tuple[RowDifference, ...]
    masker: Masker
    sent: tuple[tuple[Side, Case], tuple[Side, Case]]
    credentials: Headers = BEARER

    @cached_property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Kind and pattern of each fault, once."""
        first = {(each.kind, each.pattern): each for each in reversed(self.result.found)}
        # A thousand items may have the same fault, and masking takes its time.
        masked = (self.masker.reported(each) for each in reversed(first.values()))
        rows = ((ROWS, row.pattern) for row in self.rows)
        return tuple(dict.fromkeys([*((each.kind, each.pattern) for each in masked), *rows]))

    @property
    def words(self) -> str:
        """The case's name, and where it stands."""
        source = self.masker.text(self.case.source)
        return f"{self._name} ({source})" if source else self._name

    @property
    def _name(self) -> str:
        return self.masker.text(self.case.name or f"{self.case.method} {self.case.target}")

    @cached_property
    def example(self) -> Example:
        """The request, and both answers."""
        case, mask = self.case, self.masker.text
        left, right = (curl_text(*sent, self.masker, credentials=self.credentials) for sent in self.sent)
        return Example(
            case=self._name,
            source=mask(case.source),
            caller=case.caller,
            curl=left,
            curl_right=right,
            left=self._shown(self.result.left),
            right=self._shown(self.result.right),
            places=tuple(self.masker.reported(each) for each in self.result.found[:MAX_PLACES]),
            rows=self.rows[:MAX_PLACES],
        )

    def _shown(self, asked: TimedResponse | None) -> ShownResponse:
        if asked is None:
            return ShownResponse(status=0, headers=(), body="")
        answer, masker = asked.answer, self.masker
        headers = tuple((name, masker.header(name, text)[:_MAX_HEADER]) for name, text in answer.headers)
        body = masker.body(answer.body, answer.header("content-type") or "")
        cut = body if len(body) <= MAX_BODY else f"{body[:MAX_BODY]}…"
        return ShownResponse(status=answer.status, headers=headers[:_MAX_HEADERS], body=cut)
