"""Endpoints as the scaffold writes them, and the resources that several of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.list_facts import CreationFacts
from strangler.adoption.scaffold.access.access import Rule
from strangler.adoption.scaffold.code import Code, call, quoted
from strangler.adoption.scaffold.fields.written_serializer import WrittenSerializer
from strangler.adoption.scaffold.lists.written_list import WrittenList
from strangler.adoption.scaffold.tables import snake
from strangler.routes.route import Route


@dataclass
class WrittenLink:
    """Rows that link the rows of a path to callers, as the constant of a CallerLink, with what is done with them."""

    model: str
    row: str
    caller: str
    writes: set[str] = field(default_factory=set)

    @property
    def constant(self) -> str:
        """What it is called."""
        return f"{snake(self.model)}_of_{snake(self.row)}".upper()

    def code(self) -> Code:
        """The CallerLink."""
        lacking = {name: "False" for name, what in (("adds", "add"), ("removes", "remove")) if what not in self.writes}
        return call("CallerLink", self.model, row=quoted(self.row), caller=quoted(self.caller), **lacking)


@dataclass
class WrittenEndpoint:
    """One method of one path: its route, and the gaps for which it answers 501; `limits` are those of parameters.

    `functions` are gaps of an endpoint that is written but for a function which is to be filled in, `saves` those of
    them that save what was validated, `performed` the attributes that those give a new row, `counted` those
    of them that are made of what they are, `remarks` what differs from
    Django's by design.
    `answers` is what it answers by, where that is another serializer than the one that reads its body, `described` the
    one that OPTIONS describes, where that is another.
    `link` are the rows that it adds and removes, `nested` is what writes those within its body.
    `additions` are what it adds to a token and to the answer, by name, None where it is all keys of what is said.
    `token_view` is what `token_router` calls a view of simplejwt, `gives_token` says that it is DRF's view of tokens.
    """

    endpoint: DjangoEndpoint
    route: Route
    gaps: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    saves: list[str] = field(default_factory=list)
    performed: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    serializer: WrittenSerializer | None = None
    answers: WrittenSerializer | None = None
    described: WrittenSerializer | None = None
    token_view: str | None = None
    gives_token: bool = False
    link: WrittenLink | None = None
    additions: dict[str, list[tuple[str | None, Code]]] = field(default_factory=dict)
    nested: Code | None = None
    rule: Rule = field(default_factory=lambda: Rule(""))

    @property
    def all_gaps(self) -> list[str]:
        """Its gaps of every kind, each once."""
        return [*dict.fromkeys((*self.gaps, *self.functions, *self.limits))]


@dataclass
class WrittenResource:
    """A Resource of a view with one serializer; `actions` are those that endpoints use.

    `answers` is the serializer that it answers by, where that is another one.
    `saves` are the gaps of what saves a new row (`create`) or a changed one (`update`), or deletes one (`destroy`),
    where the project does that itself, `performed` the attributes that this gives a row, by the action. `callers` are
    its arguments that name columns of the caller, `checked` the columns that permissions look at,
    `parents` the rows of other tables that are looked for first, `creation` what a new row gets of such,
    `model_name` the name of a proxy, `links` those that actions add and remove,
    `nested` what writes rows within, by the action, and `given` what attributes get besides what a body says.
    """

    constant: str
    serializer: WrittenSerializer
    lists: WrittenList
    lookup: tuple[str, str]
    callers: Mapping[str, Code | None]
    answers: WrittenSerializer | None = None
    actions: list[str] = field(default_factory=list)
    saves: dict[str, list[str]] = field(default_factory=dict)
    performed: dict[str, list[str]] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    parents: tuple[Code, ...] = ()
    creation: CreationFacts | None = None
    model_name: str | None = None
    links: list[WrittenLink] = field(default_factory=list)
    nested: dict[str, Code] = field(default_factory=dict)
    given: dict[str, dict[str, Code]] = field(default_factory=dict)
