"""What saves a body or deletes a row in the project's own way, as functions to fill in: `service.py` of a feature."""

from collections.abc import Iterable, Mapping
from typing import Final

from strangler.adoption.scaffold.code import LINE, quoted
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.written_endpoint import WrittenResource

# What each gets besides the resource and the session, what it returns, and what it is to do.
_FUNCTIONS: Final = {
    "create": ("cleaned: dict[str, Any]", "Any", "Write a new row of what was validated; returns its key."),
    "update": ("key: Any, cleaned: dict[str, Any]", "None", "Change the row to what was validated."),
    "destroy": ("key: Any", "None", "Delete the row, or do what stands for that."),
}


def saving_functions(resource: WrittenResource) -> Mapping[str, str]:
    """The functions that save a resource's rows, by `create`, `update` and `destroy`; none where DRF's own do."""
    return {action: f"{resource.constant.lower()}_{action}" for action in _FUNCTIONS if action in resource.saves}


def saving_text(feature: str, package: str, resources: Iterable[WrittenResource]) -> str | None:
    """The module; None where there is nothing to fill in."""
    module = Module(
        f"How {feature.replace('_', ' ')} are written, where Django's code does more than save a row.", package
    )
    named = [(each, action, name) for each in resources for action, name in saving_functions(each).items()]
    for resource, action, name in named:
        module.add("", _function_text(name, action, resource.saves[action]))
    module.use("typing", "Any")
    module.use("strangler_fastapi.db.session", "RequestSession")
    module.use("strangler_fastapi.drf.resources.resources", "Resource")
    module.use("strangler_fastapi.drf.unported", "unported")
    return module.text() if named else None


def _function_text(name: str, action: str, gaps: Iterable[str]) -> str:
    given, returned, sentence = _FUNCTIONS[action]
    parameters, result = f"resource: Resource, session: RequestSession, {given}", f" -> {returned}:\n"
    head = f"async def {name}({parameters}){result}"
    if len(head) > LINE:
        head = f"async def {name}(\n    {parameters}\n){result}"
    return f'@unported({quoted("; ".join(gaps))})\n{head}    """{sentence}"""\n'
