"""What a handler of a project's own does with a request, read from its code in the shapes of DRF's tutorial.

def put(self, request, pk):
    snippet = self.get_object(pk)
    serializer = SnippetSerializer(snippet, data=request.data)
    if serializer.is_valid():
        serializer.save()
        return Response(serializer.data)
    return Response(serializer.errors, status=status.HTTP_400_BAD_REQUEST)

The handler is followed three times: with a row and a good body, without the row, and with a body that is refused. What
it did on its way says which of DRF's actions it is, and what it answers instead.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.handlers.named_links import Link
from strangler_django.endpoints.handlers.parts import Outcome, Row, UsedSerializer
from strangler_django.endpoints.handlers.run import HandlerRun
from strangler_django.endpoints.handlers.source import HandlerCode
from strangler_django.endpoints.lists.own_querysets import ReadQueryset


@dataclass(frozen=True)
class ReadLink:
    """What is done where there is a link, or none: it is added (`add`), removed (`remove`), or left (None)."""

    writes: str | None
    answer: Outcome


@dataclass(frozen=True)
class ReadLinks:
    """A handler that links the row of its path to the caller; `own` answers where that row is the caller itself."""

    link: Link
    absent: ReadLink
    present: ReadLink
    own: Outcome | None


@dataclass(frozen=True)
class ReadHandler:
    """A handler as the action of DRF's that it is, with what differs from that.

    `missing` is what is answered where there is no row, `refused` where the body isn't good; None where it is DRF's
    own answer.
    """

    action: str
    answer: Outcome
    missing: Outcome | None
    refused: Outcome | None
    row: Row | None
    serializer: UsedSerializer | None
    rows: ReadQueryset | None
    hooks: frozenset[str]
    nonzero: frozenset[str]
    forgets: bool
    shown: UsedSerializer | None = None
    links: "ReadLinks | None" = None

    @property
    def changes(self) -> dict[str, list[Any]]:
        """What columns of the row are given: a `value`, the time (`now`), or the `caller`."""
        return self.row.changes if self.row and self.action == "assign" else {}

    @property
    def of_view(self) -> bool:
        """Whether the rows are the view's own."""
        return (self.row is not None and self.row.rows is None) or bool(self.serializer and self.serializer.of_view)


def read_handler(view: Any, code: HandlerCode, method: str) -> ReadHandler | None:  # noqa: ANN401 - any view
    """The handler of a view's method; None where it does anything else."""
    try:
        return _Reader(view, code, method).read()
    except UnreadError:
        return None


class _Reader:
    def __init__(self, view: Any, code: HandlerCode, method: str) -> None:  # noqa: ANN401 - as above
        self._view, self._code, self._method = view, code, method

    def read(self) -> ReadHandler:
        run = HandlerRun(self._view, self._code)
        done, answer = run.done, run.outcome
        if any(isinstance(each, Link) for _, each in done) or run.asks_own:
            return self._linking(run)
        if answer.raises:
            raise UnreadError
        rows_shown = answer.used.rows if answer.used else None
        if rows_shown is not None and rows_shown.parents and any(what == "find" for what, _ in done):
            done = self._without_parent(done)
        parent = self._parent(done)
        done = [each for each in done if parent is None or each != ("find", parent)]
        row = next((each for what, each in done if what == "find"), None)
        used = next((each for what, each in done if what == "validate"), answer.used)
        shown = answer.used.saved_by or answer.used if answer.used else None
        if shown not in (None, used):
            raise UnreadError
        action = self._action(_without_parsing([what for what, _ in done]), row, used, answer)
        if row is not None and row.stale and answer.used is not None:
            # Django shows no expression.
            raise UnreadError
        if any(each is not row for what, each in done if what in ("find", "delete", "check", "assign")):
            raise UnreadError
        if any(each is not used for what, each in done if what in ("validate", "save")):
            raise UnreadError
        self._check_pages(run)
        missing, refused = self._missing(row), self._refused(used)
        if self._missing(parent) is not None:
            raise UnreadError
        rows = row.rows if row else used.rows if used else None
        hooks, nonzero = frozenset(run.hooks), frozenset(run.nonzero)
        return ReadHandler(action, answer, missing, refused, row, used, rows, hooks, nonzero, run.forgets, answer.used)

    def _linking(self, run: HandlerRun) -> ReadHandler:
        """One that links its row to the caller."""
        if self._method == "get":
            raise UnreadError
        present = HandlerRun(self._view, self._code, linked=True)
        ways = {"absent": self._way(run), "present": self._way(present)}
        links = {each for run in (run, present) for _, each in run.done if isinstance(each, Link)}
        if len(links) != 1:
            raise UnreadError
        if present.outcome.raises and present.outcome.noun is None:
            # Django fails there by the database's constraint, and so does what adds a link once more.
            ways["present"] = ways["absent"]
        own = self._own_way() if run.asks_own or present.asks_own else None
        (row,) = (each for what, each in run.done if what == "find")
        used = [each for each in (run.outcome.used, present.outcome.used, own and own.used) if each]
        if any(
            (each.cls, each.has_context, each.partial) != (used[0].cls, used[0].has_context, False) for each in used
        ):
            raise UnreadError
        (link,) = links
        if any(each.answer.raises and each.answer.noun is None for each in ways.values()):
            raise UnreadError
        answers = [each.answer for each in ways.values()]
        good = (each for each in answers if not each.raises and each.status < HTTPStatus.BAD_REQUEST)
        answer = next(good, answers[0])
        hooks, nonzero = frozenset(run.hooks), frozenset(run.nonzero | present.nonzero)
        return ReadHandler(
            "link",
            answer,
            self._missing(row),
            None,
            row,
            used[0] if used else None,
            row.rows,
            hooks,
            nonzero,
            run.forgets,
            used[0] if used else None,
            ReadLinks(link, ways["absent"], ways["present"], own),
        )

    def _way(self, run: HandlerRun) -> ReadLink:
        """What one way through such a handler does."""
        done = [what for what, _ in run.done]
        found = (done[:2] == ["find", "check"] and 2) or 1
        (row,) = (each for what, each in run.done if what == "find") if done[:1] == ["find"] else (None,)
        written = [what for what in done[found:] if what != "look"]
        used = run.outcome.used
        is_good = used is None or (used.row is row and not used.has_data and not used.many)
        if row is None or len(written) > 1 or not {*written} <= {"link", "unlink"} or not is_good:
            raise UnreadError
        if any(each is not row for what, each in run.done if what == "check"):
            raise UnreadError
        return ReadLink({"link": "add", "unlink": "remove"}[written[0]] if written else None, run.outcome)

    def _own_way(self) -> Outcome:
        """What is answered where the row is the caller itself."""
        ways = [self._way(HandlerRun(self._view, self._code, own=True, linked=each)) for each in (False, True)]
        first, second = ((each.writes, each.answer.status, each.answer.body, each.answer.raises) for each in ways)
        if first != second or ways[0].writes or ways[0].answer.raises:
            raise UnreadError
        return ways[0].answer

    def _check_pages(self, run: HandlerRun) -> None:
        """Has a list that has pages be one of DRF's, with pages and without."""
        if not run.has_pages:
            return
        whole = HandlerRun(self._view, self._code, paged=False).outcome
        is_same = _shown(run.outcome.used) == _shown(whole.used)
        # Without a class of pages Django fails, unless it looks whether there is a page.
        is_plain = whole.paged or (whole.status, whole.body) == (200, ["data"])
        if not (run.outcome.paged and is_same and is_plain):
            raise UnreadError

    def _action(self, done: list[str], row: Row | None, used: UsedSerializer | None, answer: Outcome) -> str:
        """The action of DRF's in which the same is done in the same order."""
        if done[:2] == ["find", "check"]:
            del done[1]
        of_row = used is not None and row is not None and used.row is row
        match done:
            case [] if self._method == "get" and answer.used and used and used.many and (used.rows or used.of_view):
                return "list"
            case ["find"] if self._method == "get" and answer.used and of_row and used and not used.has_data:
                return "retrieve"
            case ["validate", "save"] if self._method == "post" and used and used.row is None and not used.many:
                return "create"
            case ["find", "validate", "save"] if self._method in ("put", "patch", "post") and of_row and used:
                return "partial_update" if used.partial else "update"
            case ["find", "delete"] if self._method == "delete" and answer.used is None:
                return "destroy"
            case ["find", "assign"] if self._method != "get" and (of_row or answer.used is None):
                return "assign"
        raise UnreadError

    def _without_parent(self, done: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """What is done besides finding the row that those of a list belong to."""
        run = HandlerRun(self._view, self._code, exists=False)
        is_usual = run.outcome.raises and run.outcome.detail is None and [what for what, _ in run.done] == ["find"]
        if [what for what, _ in done] != ["find"] or not is_usual:
            raise UnreadError
        return []

    @staticmethod
    def _parent(done: list[tuple[str, Any]]) -> Row | None:
        """The row that is found first, and that a new one belongs to; None where that is of no other.

        :raises UnreadError: there are several.
        """
        parents = [each for what, used in done if what == "save" for each in used.parents.values()]
        if parents and ([what for what, _ in done].count("find") != len(parents) or parents != [done[0][1]]):
            raise UnreadError
        return parents[0] if parents else None

    def _missing(self, row: Row | None) -> Outcome | None:
        """What is answered where there is no row."""
        if row is None:
            return None
        run = HandlerRun(self._view, self._code, exists=False)
        if [what for what, _ in run.done] != ["find"] or run.outcome.used:
            raise UnreadError
        return None if run.outcome.raises and run.outcome.detail is None else run.outcome

    def _refused(self, used: UsedSerializer | None) -> Outcome | None:
        """What is answered where the body isn't good."""
        if used is None or not used.is_validated:
            return None
        run = HandlerRun(self._view, self._code, valid=False)
        what, validated = run.done[-1]
        if what != "validate" or run.outcome.used not in (None, validated):
            raise UnreadError
        return None if run.outcome.raises else run.outcome


def _shown(used: UsedSerializer | None) -> tuple[Any, ...]:
    """What a list shows, and of which rows."""
    rows = used.rows if used else None
    of = (rows.structure, rows.owner, rows.unless, str(rows.queryset.query.order_by)) if rows else ()
    return (used.cls, used.filtered, used.has_context, of) if used else ()


def _without_parsing(done: list[str]) -> list[str]:
    """What was done, but for what reads a body right before that is validated."""
    found: list[str] = []
    for each in reversed(done):
        if each != "parse" or found[-1:] != ["validate"]:
            found.append(each)
    return found[::-1]
