"""A list as code of strangler_fastapi: the arguments of a Resource, with what of them can't be written."""

from dataclasses import dataclass, field

from strangler.adoption.scaffold.code import Code


@dataclass
class WrittenList:
    """The arguments; `gaps` are parameters that answer 501, `remarks` what differs from Django's by design.

    `annotations` are columns of other rows by their path, `numbers` are calculated for each row, `classes` are those of
    other rows that the arguments name.
    """

    arguments: dict[str, Code] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Code] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    imports: dict[str, set[str]] = field(default_factory=dict)
