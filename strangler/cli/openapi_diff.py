"""`strangler compare --openapi-diff`: what one OpenAPI document promises, and the other doesn't keep."""

from collections.abc import Sequence
from typing import Any

from strangler.cli.output import say
from strangler.compare.documents import broken_promises
from strangler.compare.generate.operations import ApiDocument, operations_in
from strangler.errors import UsageError, many
from strangler.rollout.endpoints import document_read
from strangler.routes.route import Stack
from strangler.settings import LocalSettings


def documents_compare(left: str | None, right: str | None, settings: LocalSettings) -> int:
    """Print what the right document lacks or has otherwise, of `left` and `right` or of both services; 1 if anything.

    Each place is an address or a file.

    :raises UsageError: the project file names none.
    :raises FailedError: one can't be read.
    """
    places = (left, Stack.DJANGO), (right, Stack.FASTAPI)
    documents = [_document(place, stack, settings) for place, stack in places]
    for each, (_place, stack) in zip(documents, places, strict=True):
        if not any(operations_in(each)):
            hint = "name one with paths: openapi of the project file, or LEFT and RIGHT"
            raise UsageError(f"the document of {stack} lists no operation", hint)
    broken = broken_promises(*documents)
    for promise in broken:
        say(str(promise))
    count = len(dict(operations_in(documents[0])))
    kept = count - len({(each.method, each.path) for each in broken})
    say(f"{'different' if broken else 'equal'}: {kept} of {many(count, 'operation')} kept, {len(broken)} otherwise")
    return 1 if broken else 0


def _document(place: str | None, stack: Stack, settings: LocalSettings) -> ApiDocument:
    section = settings.project.stack(stack)
    address = place or section.openapi
    if not address:
        raise UsageError(
            f"the project file names no OpenAPI document of {stack}", "add openapi, or pass LEFT and RIGHT"
        )
    content = document_read(address, gateway_url=settings.stack_url(stack), host=settings.probe_host)
    prefixes = settings.project.prefixes
    own = prefixes.upstream(stack)
    known = (prefixes.v1, prefixes.v2, prefixes.django, prefixes.fastapi) if place else ()
    return ApiDocument(content=content, prefix=_prefix_of(content, own, known))


def _prefix_of(content: Any, own: str, known: Sequence[str]) -> str:  # noqa: ANN401 - whatever JSON it is
    """What its paths begin with: the longest prefix that is known, since one that is named may be of either version."""
    paths = list(map(str, content.get("paths") or ())) if isinstance(content, dict) else []
    found = [each for each in known if paths and all(path.startswith(f"{each}/") for path in paths)]
    return max(found, key=len, default=own)
