"""What became of a sample, as it may be stored: without its secrets."""

from dataclasses import dataclass

from strangler.compare.judge import Outcome, Verdict
from strangler.compare.redaction import Masker, Reported
from strangler.compare.shadow.sample import Sample


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What became of one sample; nothing in it is secret."""

    outcome: Outcome
    method: str
    path: str
    request_id: str
    differences: tuple[Reported, ...] = ()
    failure: str = ""


def judgement_of(sample: Sample, verdict: Verdict) -> Judgement:
    """The verdict with its secrets masked."""
    masker = Masker(sample.secrets)
    return Judgement(
        outcome=verdict.outcome,
        method=sample.method,
        path=masker.text(sample.target)[:200],
        request_id=sample.request_id[:128],
        differences=tuple(masker.reported(each) for each in verdict.found),
        failure=str(verdict.failure) if verdict.failure else "",
    )
