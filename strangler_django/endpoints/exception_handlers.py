"""An EXCEPTION_HANDLER of the project's own as code that a service carries over (`carried_code`)."""

import inspect
from typing import Any

from strangler_django.endpoints.code.carried_code import Carried
from strangler_django.endpoints.code.carried_names import CONTEXT
from strangler_django.endpoints.code.own_code import UnreadError


def exception_handler_facts(function: Any) -> dict[str, Any]:  # noqa: ANN401 - any callable
    """The `name` of the handler, its `code`, which twins that `uses` by their names in it, and what was left out.

    `never` are the classes that no error of the service is of; `words` says that it shows texts of DRF's own making.
    `gap` is why it can't be carried over.
    """
    try:
        # The exception, and whatever it calls the context.
        carried = Carried(CONTEXT.union([*inspect.signature(function).parameters][1:]))
        carried.add(function)
    except UnreadError as gap:
        return {"gap": str(gap)}
    except (TypeError, ValueError):
        return {"gap": "it is no plain function"}
    return {
        "name": function.__name__,
        "code": carried.code,
        "uses": dict(sorted(carried.uses.items())),
        "never": sorted(carried.never),
        "words": carried.words,
    }
