"""The examples of the page: each in full where there is room, and once, wherever else it belongs."""

from collections.abc import Sequence
from typing import Final

from jinja2 import Environment
from markupsafe import Markup

from strangler.compare.redaction import Reported
from strangler.compare.report.model import Example, Group, Report, RowDifference
from strangler.compare.report.side_by_side import Block, blocks_of

# Bytes of the page after which examples come without what is far from any difference, without bodies, not at all.
_ROOM: Final = (1_800_000, 3_200_000, 4_200_000)
_ROWS: Final = "rows"
_MAX_OWN: Final = 8
_MAX_OTHERS: Final = 12


class Examples:
    """Renders the examples of a report, and knows how much of the page they have taken."""

    def __init__(self, environment: Environment, report: Report) -> None:
        self._template = environment.get_template("example.html.j2")
        self._report = report
        self._numbers: dict[Example, int] = {}
        self._taken = 0

    def show(self, group: Group, index: int) -> Markup:
        """An example of a group, by its index there; empty where there is no room for any more."""
        room = sum(self._taken < limit for limit in _ROOM)
        if not room:
            return Markup("")
        example = group.examples[index]
        again = example in self._numbers
        number = self._numbers.setdefault(example, len(self._numbers) + 1)
        own, others = _places(group, example)
        shown = own[:_MAX_OWN], others[:_MAX_OTHERS]
        text = self._template.render(
            report=self._report,
            group=group,
            example=example,
            number=number,
            again=again,
            own=shown[0],
            others=shown[1],
            unshown=len(example.places) - len(shown[0]) - len(shown[1]),
            rows=[row for row in example.rows if _is_of(group, row)] or example.rows,
            blocks=() if again or room == 1 else _blocks(example),
            whole=room > 2 and index == 0,
            bodies=room > 1,
        )
        self._taken += len(text.encode(errors="replace"))
        return Markup(text)  # noqa: S704 - rendered with its values escaped


def _blocks(example: Example) -> tuple[Block, ...]:
    left, right = example.left.body, example.right.body
    return blocks_of(left, right, example.places) if left or right else ()


def _places(group: Group, example: Example) -> tuple[Sequence[Reported], Sequence[Reported]]:
    """Where the answers differ as the group says, and where else."""
    own = [place for place in example.places if (place.kind, place.pattern) == (group.kind, group.pattern)]
    others = [place for place in example.places if place not in own]
    return own, others


def _is_of(group: Group, row: RowDifference) -> bool:
    return group.kind == _ROWS and group.pattern == ".".join(filter(None, (row.table, row.column)))
