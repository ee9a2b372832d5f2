"""Who may call an endpoint, as code: DRF's permissions and authenticators under their own names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.code import Call, Code, Items, call, keyword, quoted

_MODULE: Final = "rest_framework.permissions."
_NAMES: Final = frozenset({"AllowAny", "IsAuthenticated", "IsAdminUser", "IsAuthenticatedOrReadOnly"})
_CLASS: Final = re.compile(r"[\w.<>]+")


@dataclass
class Rule:
    """A permission as code; `gaps` are what of Django's isn't in it, and then it lets nobody pass."""

    code: Code
    gaps: tuple[str, ...] = ()
    names: set[str] = field(default_factory=set)


def permission_of(endpoint: DjangoEndpoint) -> Rule:
    """The rule of one method."""
    gaps = [_gap(name) for name in _foreign(endpoint.permissions or ())]
    if endpoint.permissions is None:
        gaps.append("its permissions can't be read without a request")
    if "get_permissions" in endpoint.overridden and "get_permissions" not in endpoint.constant:
        gaps.append(f"{endpoint.view.rpartition('.')[2]}.get_permissions reads the request")
    if gaps:
        return Rule(call("not_ported", *map(quoted, gaps)), tuple(gaps))
    plain = [text.replace(_MODULE, "") for text in endpoint.permissions or ()] or ["AllowAny"]
    plain = [text[1:-1] if text.startswith("(") else text for text in plain]
    names = {name for text in plain for name in _CLASS.findall(text)}
    return Rule(plain[0] if len(plain) == 1 else Items("()", tuple(plain)), names=names)


def permission_by_method(rules: Mapping[str, Rule]) -> Rule:
    """One rule for a path whose methods have theirs."""
    first, *others = rules.values()
    names, gaps = set().union(*(rule.names for rule in rules.values())), dict.fromkeys(first.gaps)
    if all(rule.code == first.code for rule in others):
        return Rule(first.code, tuple(gaps), names)
    gaps |= dict.fromkeys(gap for rule in others for gap in rule.gaps)
    own = [keyword(method, _one(rule)) for method, rule in rules.items() if rule.code != first.code]
    joined = names | {"ByMethod"}
    return Rule(Call("ByMethod", (_one(first), *own)), tuple(gaps), joined)


def _one(rule: Rule) -> Code:
    """Several permissions as one expression."""
    if isinstance(rule.code, Items):
        return " & ".join(f"({each})" if "|" in str(each) else str(each) for each in rule.code.items)
    return rule.code


def _gap(name: str) -> str:
    why = "looks into tables of Django's" if name.startswith(_MODULE) else "is your own"
    return f"permission {name.rpartition('.')[2]} {why}"


def _foreign(permissions: Iterable[str]) -> list[str]:
    found = [name for text in permissions for name in _CLASS.findall(text)]
    return [name for name in found if not (name.startswith(_MODULE) and name.removeprefix(_MODULE) in _NAMES)]
