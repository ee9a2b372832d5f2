"""Functions that stand for code of Django's until somebody writes it again; whatever needs one is answered with 501.

    @unported("LabelSerializer.get_total")
    def get_total(label: Mapping[str, Any]) -> object:
        ...

To port it is to write its body and to take the decorator away. Until then the OpenAPI document lists it under
`x-not-ported` for each endpoint that needs it, where `strangler check` finds it.
"""

from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec

from strangler_fastapi.errors import NotPorted

_Arguments = ParamSpec("_Arguments")
_MARK = "unported"


def unported(what: str) -> Callable[[Callable[_Arguments, object]], Callable[_Arguments, NoReturn]]:
    """Has a function refuse every request; `what` names the code of Django's that it stands for."""

    def mark(function: Callable[_Arguments, object]) -> Callable[_Arguments, NoReturn]:
        @wraps(function)
        def refuse(*_args: _Arguments.args, **_kwargs: _Arguments.kwargs) -> NoReturn:
            raise NotPorted(what)

        setattr(refuse, _MARK, what)
        return refuse

    return mark


def unported_of(function: object) -> tuple[str, ...]:
    """What a function stands for; nothing once it is written."""
    what = getattr(function, _MARK, None)
    return () if what is None else (str(what),)
