"""A case and its two answers as they may be shown: masked, and cut where they are long."""

import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from strangler.compare.case import Case
from strangler.compare.client.client import Asked
from strangler.compare.client.target import Side
from strangler.compare.judge import Verdict
from strangler.compare.redaction import Masker, is_secret
from strangler.compare.report.model import Example, RowDifference, Shown

_LONGEST: Final = 4000


MAX_BODY: Final = 10_000
MAX_PLACES: Final = 50
_MAX_HEADERS: Final = 40
_MAX_HEADER: Final = 500
_ROWS: Final = "rows"


def curl_text(side: Side, case: Case, masker: Masker) -> str:
    """The command that asks `side` the same; who asks as somebody puts a token into `TOKEN`."""
    words = ["curl", "-sI" if case.method == "HEAD" else "-si"]
    if case.method not in {"GET", "HEAD"}:
        words += ["-X", case.method]
    words.append(shlex.quote(masker.text(side.url + case.target)))
    said = {name.lower() for name, _ in case.headers}
    besides = [(name, text) for name, text in side.headers if name.lower() not in said]
    for name, text in (*case.headers, *besides):
        if not is_secret(name):
            words += ["-H", shlex.quote(masker.text(f"{name}: {text}"))]
    if case.caller:
        words += ["-H", '"Authorization: Bearer $TOKEN"']
    if case.body:
        words += ["--data-binary", shlex.quote(_body(case, masker))]
    return " ".join(words)


def _body(case: Case, masker: Masker) -> str:
    media = next((text for name, text in case.headers if name.lower() == "content-type"), "")
    shown = masker.body(case.body, media, indent=False)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


@dataclass(frozen=True)
class Exhibit:
    """What is found in one case; its example is made only where there is room for one."""

    case: Case
    verdict: Verdict
    rows: tuple[RowDifference, ...]
    masker: Masker
    side: Side

    @cached_property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Kind and pattern of each fault, once."""
        first = {(each.kind, each.pattern): each for each in reversed(self.verdict.found)}
        # A thousand items may have the same fault, and masking takes its time.
        masked = (self.masker.reported(each) for each in reversed(first.values()))
        rows = ((_ROWS, ".".join(filter(None, (row.table, row.column)))) for row in self.rows)
        return tuple(dict.fromkeys([*((each.kind, each.pattern) for each in masked), *rows]))

    @cached_property
    def example(self) -> Example:
        """The request, and both answers."""
        case, mask = self.case, self.masker.text
        return Example(
            case=mask(case.name or f"{case.method} {case.target}"),
            source=mask(case.source),
            caller=case.caller,
            curl=curl_text(self.side, case, self.masker),
            left=self._shown(self.verdict.left),
            right=self._shown(self.verdict.right),
            places=tuple(self.masker.reported(each) for each in self.verdict.found[:MAX_PLACES]),
            rows=self.rows[:MAX_PLACES],
        )

    def _shown(self, asked: Asked | None) -> Shown:
        if asked is None:
            return Shown(status=0, headers=(), body="")
        answer, masker = asked.answer, self.masker
        headers = tuple((name, masker.header(name, text)[:_MAX_HEADER]) for name, text in answer.headers)
        body = masker.body(answer.body, answer.header("content-type") or "")
        cut = body if len(body) <= MAX_BODY else f"{body[:MAX_BODY]}…"
        return Shown(status=answer.status, headers=headers[:_MAX_HEADERS], body=cut)


def exhibit_of(
    side: Side, case: Case, verdict: Verdict, *, rows: tuple[RowDifference, ...], secrets: tuple[str, ...]
) -> Exhibit:
    """What may be shown of a case; `side` is the one that its command asks."""
    carried = tuple(text for name, text in (*case.headers, *side.headers) if is_secret(name))
    return Exhibit(case, verdict, rows, Masker((*case.secrets, *carried, *secrets)), side)
