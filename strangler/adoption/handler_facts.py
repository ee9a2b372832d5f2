"""What a handler of a project's own does otherwise than the action of DRF's that it is."""

from typing import Any, Literal

from pydantic import Field

from strangler.adoption.django_settings import Facts


class AnswerFacts(Facts):
    """A status and a body: a list of `data` (what DRF answers), `empty`, `value` and a constant, or `dict` and pairs.

    With `detail` it is DRF's own answer of what isn't there, with that text: to Django's exception where `http404` is
    set, else to NotFound. One that `has_headers` names the address
    of a new row, as DRF's does.
    """

    has_headers: bool = False
    status: int = 200
    body: list[Any] | None = None
    detail: str | None = None
    http404: bool = True


class LinkingFacts(Facts):
    """What is done where there is a link, or none: it is added (`add`), removed (`remove`), or left.

    Without an `answer` what is missing is the link.
    """

    writes: Literal["add", "remove"] | None = None
    answer: AnswerFacts | None = None


class LinkFacts(Facts):
    """Rows of a table that link the row of a path to the caller by its fields `row` and `caller`.

    `own` is the answer where that row is the caller itself.
    """

    table: str
    row: str
    caller: str
    absent: LinkingFacts
    present: LinkingFacts
    own: AnswerFacts | None = None

    @property
    def writes(self) -> frozenset[str]:
        """What is done with links."""
        return frozenset(each.writes for each in (self.absent, self.present) if each.writes)


class HandlerFacts(Facts):
    """A handler that was read.

    `missing` is what it answers where there is no row, `refused` where a body isn't good: None where that is DRF's.
    Rows are shown to permissions where it `checks`, and left out by the view's filters where it is `filtered`; its list
    has the view's pages where it is `paged`. Its serializer knows the request where it `has_context`. Parameters that
    are `nonzero` are taken for none where they are 0. `changes` are what columns of the row are given: a list of
    `value` and a constant, of `now`, of `caller`, of `toggle`, or of `add` and a number. `links` are what it adds and
    removes.
    """

    action: str
    answer: AnswerFacts = AnswerFacts()
    missing: AnswerFacts | None = None
    refused: AnswerFacts | None = None
    checks: bool = False
    filtered: bool = False
    paged: bool = False
    nonzero: tuple[str, ...] = ()
    partial: bool = False
    has_context: bool = True
    changes: dict[str, list[Any]] = Field(default={})
    links: LinkFacts | None = None


class NestedWrites(Facts):
    """What a `create` or `update` of the project's own writes of the rows within a body, by their sources.

    They are written in `bulk`, as Django calls nothing for, or one by one; a change replaces them `when` a body has
    some (`filled`), when it has them (`given`), or always.
    """

    fields: tuple[str, ...]
    bulk: bool = False
    when: Literal["always", "given", "filled"] = "always"
