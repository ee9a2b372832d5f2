"""The messages that both sides sent since a step, and the files that they wrote, compared as its rows are."""

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import Final

from strangler.compare.differ import Links
from strangler.compare.json_values import Absent, JsonPath, json_text, pairs_walk, path_text
from strangler.compare.redaction import MASK, Masker, is_secret, shortened
from strangler.compare.report.model import RowDifference
from strangler.compare.writes.id_mapping import IdMapping, NewRow
from strangler.compare.writes.own_places import FILES
from strangler.compare.writes.sinks import SentMessage

_KINDS: Final = ("mail", "http", FILES)


class MessageComparison:
    """Compares messages; ids, times and tokens that both sides generated for the same purpose are the same."""

    def __init__(self, mapping: IdMapping) -> None:
        self._mapping = mapping

    def compare(
        self, step: int, left: Sequence[SentMessage], right: Sequence[SentMessage], *, links: Links, masker: Masker
    ) -> tuple[RowDifference, ...]:
        """What differs, by kind of message and place in it; those of one kind may come in any order."""
        return tuple(
            difference
            for kind in _KINDS
            for number, pair in enumerate(self._pairs(kind, left, right, links), start=1)
            for difference in self._differences(NewRow(kind, step, number), *pair, links, masker)
        )

    def _pairs(
        self, kind: str, left: Sequence[SentMessage], right: Sequence[SentMessage], links: Links
    ) -> Iterator[tuple[SentMessage | None, SentMessage | None]]:
        """Equal ones first; the others as they come, None where the other side sent nothing more."""
        ours, theirs = ([each for each in side if each.kind == kind] for side in (left, right))
        rest = list[SentMessage]()
        for message in ours:
            same = next((each for each in theirs if not any(self._walk(message, each, links, certain=False))), None)
            if same is None:
                rest.append(message)
                continue
            theirs.remove(same)
            yield message, same
        yield from zip_longest(rest, theirs)

    def _walk(
        self, left: SentMessage, right: SentMessage, links: Links, *, certain: bool
    ) -> Iterator[tuple[JsonPath, object, object]]:
        def same(one: object, other: object) -> bool:
            sides = [links.normalised(side) if type(side) is str else side for side in (one, other)]
            return self._mapping.values_same(*sides, certain=certain)

        return pairs_walk(left.content, right.content, same=same)

    def _differences(
        self, name: NewRow, left: SentMessage | None, right: SentMessage | None, links: Links, masker: Masker
    ) -> Iterator[RowDifference]:
        if left is None or right is None:
            sides = [_shown((), each.content, masker) if each else None for each in (left, right)]
            yield RowDifference(table=name.table, row=str(name), column="", left=sides[0], right=sides[1])
            return
        # A place once, however many lines of a text differ.
        found = self._walk(left, right, links, certain=True)
        for path, places in groupby(found, key=lambda place: place[0]):
            _path, one, other = next(places)
            yield RowDifference(
                table=name.table,
                row=str(name),
                column=path_text(path).removeprefix("$."),
                left=_shown(path, one, masker),
                right=_shown(path, other, masker),
            )


def _shown(path: JsonPath, value: object, masker: Masker) -> str | None:
    if isinstance(value, Absent):
        return None
    if any(isinstance(part, str) and is_secret(part) for part in path):
        return MASK
    return shortened(masker.text(json_text(value)))
