"""A case as a command to copy, without its credentials."""

import shlex
from typing import Final

from strangler.compare.cases.case import Case
from strangler.compare.masking import Masker, is_secret
from strangler.compare.side import Side

_LONGEST: Final = 4000


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
