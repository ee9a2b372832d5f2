"""Who may call an endpoint, as code: DRF's permissions and authenticators under their own names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.access.account_tables import MODEL_PERMISSIONS, AccountTables
from strangler.adoption.scaffold.access.own_permissions import ROW_ACTIONS, OwnPermissions, is_scoped, scope_code
from strangler.adoption.scaffold.code import Call, Code, Items, call, keyword, quoted
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.serializer_facts import MatchedRows

_MODULE: Final = "rest_framework.permissions."
# Another package's may end so.
_OF_DRF: Final = re.compile(r"(?<![\w.])rest_framework\.permissions\.")
_NAMES: Final = frozenset({"AllowAny", "IsAuthenticated", "IsAdminUser", "IsAuthenticatedOrReadOnly"})
_CLASS: Final = re.compile(r"[\w.<>]+")
# DRF's `perms_map`.
_PERMS_MAP: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("GET", "OPTIONS", "HEAD"), ()),
    **{
        method: (f"%(app_label)s.{verb}_%(model_name)s",)
        for method, verb in (("POST", "add"), ("PUT", "change"), ("PATCH", "change"), ("DELETE", "delete"))
    },
}
_OF_MODEL: Final = frozenset(f"{_MODULE}{name}" for name in MODEL_PERMISSIONS)


@dataclass
class Rule:
    """A permission as code; `gaps` are what of Django's isn't in it, and then it lets nobody pass.

    `model` is the mapped class that it looks up permissions of, `own` are classes of the feature's own module, and
    `checked` the columns of a row that these look at, `matched` the rows of other tables among them, by name.
    `scoped` look at the scopes of access tokens.
    """

    code: Code
    gaps: tuple[str, ...] = ()
    names: set[str] = field(default_factory=set)
    model: str | None = None
    own: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)
    matched: dict[str, MatchedRows] = field(default_factory=dict)
    scoped: set[str] = field(default_factory=set)


def permission_of(
    endpoint: DjangoEndpoint, account_tables: AccountTables, tables: Tables, own_permissions: OwnPermissions
) -> Rule:
    """The rule of one method."""
    found = [name for text in endpoint.permissions or () for name in _CLASS.findall(text)]
    own: dict[str, str] = {}
    checked: set[str] = set()
    matched: dict[str, MatchedRows] = {}
    gaps: list[str] = []
    of_model: list[str] = []
    scopes: dict[str, str] = {}
    for name in dict.fromkeys(found):
        rule, short = (endpoint.permission_rules or {}).get(name), name.rpartition(".")[2]
        mapped = (endpoint.permission_maps or {}).get(name)
        if mapped is not None:
            of_model.append(name)
            if mapped.rows and endpoint.action in ROW_ACTIONS and mapped.map.get(endpoint.method):
                gaps.append(f"permission {short} asks a backend of Django's for each row")
            gaps += [f"permission {short} {why}" for why in (account_tables.permission_gap(),) if why]
            if name not in _OF_MODEL or mapped.map != _PERMS_MAP:
                own[name] = own_permissions.use_map(name, mapped)
        elif rule is not None and is_scoped(name, rule):
            scopes[name] = scope_code(rule.request)
        elif rule is None:
            gaps += [f"permission {short} {why}" for why in (_gap(name),) if why]
        else:
            try:
                own[name], columns = own_permissions.use(name, rule, endpoint)
                checked |= columns
                matched |= {each: rows for each, rows in own_permissions.matched(rule).items() if each in columns}
            except UnreadableError as gap:
                gaps.append(f"permission {short} is your own ({gap})")
    shows_rows = endpoint.detail or endpoint.action in ROW_ACTIONS
    if shows_rows and any("~" in text for text in endpoint.permissions or ()):
        gaps.append("permission of a negated class: Django shows it each row, and refuses it")
    model = None
    if of_model:
        try:
            model = tables.use(endpoint.model.table) if endpoint.model else None
        except UnreadableError as gap:
            gaps.append(str(gap))
        if endpoint.model and tables.facts(endpoint.model.table).model != endpoint.model.label:
            gaps.append(f"its permissions are those of the proxy {endpoint.model.name}")
        gaps += [] if endpoint.model else ["its permissions are of a model that can't be read without a request"]
    if endpoint.permissions is None:
        gaps.append("its permissions can't be read without a request")
    if "get_permissions" in endpoint.overridden and "get_permissions" not in endpoint.constant:
        gaps.append(f"{endpoint.view.rpartition('.')[2]}.get_permissions reads the request")
    if gaps:
        return Rule(call("not_ported", *map(quoted, gaps)), tuple(gaps))
    plain = [_OF_DRF.sub("", text) for text in endpoint.permissions or ()] or ["AllowAny"]
    plain = [text[1:-1] if text.startswith("(") else text for text in plain]
    names = {
        name
        for text in plain
        for name in _CLASS.findall(text)
        if name not in own and name not in scopes and f"{_MODULE}{name}" not in own
    }
    by_tables = {each.removeprefix(_MODULE) for each in of_model}

    def written(name: re.Match[str]) -> str:
        if name[0] in scopes:
            return scopes[name[0]]
        constant = own.get(name[0]) or own.get(f"{_MODULE}{name[0]}") or name[0]
        return f"{constant}(MODEL_PERMISSIONS, {model})" if name[0] in by_tables else constant

    plain = [_CLASS.sub(written, text) for text in plain]
    code = plain[0] if len(plain) == 1 else Items("()", tuple(plain))
    scoped = {each.partition("(")[0] for each in scopes.values()}
    return Rule(code, names=names, model=model, own={*own.values()}, checked=checked, matched=matched, scoped=scoped)


def permission_by_method(offered: Mapping[str, Rule], unoffered: Mapping[str, Rule] = MappingProxyType({})) -> Rule:
    """One rule for a path whose methods have theirs; that of OPTIONS is for whatever has none."""
    rules = {**offered, **unoffered}
    first = rules.get("OPTIONS") or next(iter(rules.values()))
    others = [rule for rule in rules.values() if rule is not first]
    names, gaps = set().union(*(rule.names for rule in rules.values())), dict.fromkeys(first.gaps)
    model = next((rule.model for rule in rules.values() if rule.model), None)
    mine = set().union(*(rule.own for rule in rules.values()))
    scoped = set().union(*(rule.scoped for rule in rules.values()))
    if all(rule.code == first.code for rule in others):
        return Rule(first.code, tuple(gaps), names, model, mine, scoped=scoped)
    gaps |= dict.fromkeys(gap for rule in others for gap in rule.gaps)
    own = [keyword(method, rule.code) for method, rule in rules.items() if rule.code != first.code]
    joined = names | {"ByMethod"}
    return Rule(Call("ByMethod", (first.code, *own)), tuple(gaps), joined, model, mine, scoped=scoped)


def _gap(name: str) -> str | None:
    """Why a permission can't be written; None where it can."""
    if not name.startswith(_MODULE):
        return "is your own"
    return None if name.removeprefix(_MODULE) in _NAMES else "looks into tables of Django's"
