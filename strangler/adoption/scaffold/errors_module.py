"""The module of errors in a project's own form: its EXCEPTION_HANDLER, or a function that stands for it, as code."""

import io
import tokenize
from collections.abc import Iterable, Mapping

from strangler.adoption.django_settings import DjangoSettings, ExceptionHandlerFacts
from strangler.adoption.scaffold.code import quoted
from strangler.adoption.scaffold.modules import Module

_LIBRARY = "strangler_fastapi.drf.http.exception_handler"
# Those that are elsewhere.
_MODULES = {"ErrorDetail": "strangler_fastapi.errors", "HTTPStatus": "http"}
_UNPORTED = '''@unported({what})
def error_body(request: Request, body: object, status: int) -> object:
    """The body of an answer with this status; `body` is what DRF's own handler answers."""'''


def error_argument(settings: DjangoSettings) -> tuple[str, str] | None:
    """The argument of the application, and the function of the module; None where errors are in DRF's form."""
    if not settings.words_errors:
        return None
    carried = _carried(settings)
    return ("error_body", "error_body") if carried is None else ("exception_handler", carried.name)


def errors_text(settings: DjangoSettings, package: str) -> str:
    """The text of the module."""
    handler, carried = settings.exception_handler, _carried(settings)
    if carried is None:
        module = Module(f"The form of errors, which Django's {handler} gives them.", package)
        module.use("starlette.requests", "Request")
        module.use("strangler_fastapi.drf.unported", "unported")
        module.add(_UNPORTED.format(what=quoted(f"errors by {handler}")))
        return module.text()
    never = f"\n\nNo error of this service is one of {', '.join(carried.never)}." if carried.never else ""
    module = Module(f"The form of errors: Django's {handler}, without what it logs.{never}{_end(never)}", package)
    carry(module, carried.code, carried.uses)
    return module.text()


def carry(module: Module, code: Iterable[str], uses: Mapping[str, str]) -> None:
    """Adds functions of a project's own, with what they use."""
    module.use("typing", "Any")
    for alias, name in uses.items():
        module.use(_MODULES.get(name, _LIBRARY), name if alias == name else f"{name} as {alias}")
    functions = [each for each in code if each.startswith("def ")]
    module.add(*(_double_quoted(each) for each in code if each not in functions))
    for each in functions:
        module.add("", "", _double_quoted(each))


def _carried(settings: DjangoSettings) -> ExceptionHandlerFacts | None:
    return settings.own_exception_handler if settings.error_gap is None else None


def _end(more: str) -> str:
    """A docstring of several lines ends on one of its own."""
    return "\n" if more else ""


def _double_quoted(code: str) -> str:
    """The code with quotation marks as formatters have them, where a text holds none."""
    tokens = []
    for each in tokenize.generate_tokens(io.StringIO(code).readline):
        text = each.string
        if each.type == tokenize.STRING and text.endswith("'") and '"' not in text and "\\" not in text:
            text = text.replace("'", '"')
        tokens.append(each._replace(string=text))
    return tokenize.untokenize(tokens).rstrip("\n")
