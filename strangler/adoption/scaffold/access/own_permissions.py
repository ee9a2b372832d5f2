"""Permissions of the project's own that were read, as classes of the feature's `permissions.py`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from strangler.adoption.access_facts import PermissionMap, PermissionRule, caller_attributes, rule_signs
from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.access.account_tables import MODEL_PERMISSIONS
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.access.stored_constants import StoredConstants, key_of
from strangler.adoption.scaffold.code import LINE, dictionary, quoted, statement
from strangler.adoption.scaffold.gaps import is_callers
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import Tables, UnreadableError, snake
from strangler.adoption.serializer_facts import MatchedRows

_SAFE: Final = ["GET", "HEAD", "OPTIONS"]
# Actions that Django's views look for a row in, and show it to permissions.
ROW_ACTIONS: Final = frozenset({"retrieve", "update", "partial_update", "destroy", "assign", "link"})
_JOINED: Final = ("and", "or")
_AUTHENTICATED: Final = ["caller", "is_authenticated"]
# What looks into Django's tables of permissions.
_HELD: Final = {"perms": "has_perms", "groups": "in_groups"}
_TOKEN: Final = ["token"]
_SCOPE_NAMES: Final = (
    *("has_access_token", "TokenHasScope", "TokenHasReadWriteScope", "TokenHasResourceScope"),
    *("IsAuthenticatedOrTokenHasScope", "TokenMatchesOASRequirements"),
)

Code = bool | list[Any]


# django-oauth-toolkit's, which the library has under their names.
_SCOPED: Final = "oauth2_provider.contrib.rest_framework.permissions."
SCOPES: Final = "strangler_fastapi.auth.token_scopes"


class OwnPermissions:
    """The classes of one feature, each written once for the columns that it looks at."""

    def __init__(self, package: str, tables: Tables, authenticators: Authenticators) -> None:
        self._package = package
        self._tables = tables
        self._authenticators = authenticators
        self._texts: dict[str, str] = {}
        self._stored = StoredConstants(tables, authenticators)

    def use(self, path: str, rule: PermissionRule, endpoint: DjangoEndpoint) -> tuple[str, set[str]]:
        """The class of a permission, and the columns of the endpoint's row that it looks at.

        Raises:
            UnreadableError: it looks at something that the service doesn't know.
        """
        # A handler of the project's own may not show them the row, nor does its `get_object` that is read.
        is_shown = not is_callers(endpoint) if endpoint.handler is None else endpoint.handler.checks
        looks_at_rows, row = endpoint.action in ROW_ACTIONS and is_shown, rule.row
        columns: dict[str, str] = {}
        try:
            if row is None:
                raise UnreadableError("what it asks of a row")
            columns = {field: self._owner_column(endpoint, field) for field in sorted(_owners(rule.row))}
            columns |= {_key_of(rows): name for name, rows in self.matched(rule).items()}
        except UnreadableError:
            if looks_at_rows:
                raise
            row = True
        name = self._named(path.rpartition(".")[2], self._text(path, rule, row, columns))
        if not looks_at_rows or row is True:
            return name, set()
        # One that looks at the caller alone is asked once there is the row, all the same.
        return name, {*columns.values()} or {self._key(endpoint)}

    @property
    def stored(self) -> tuple[str, ...]:
        """The constants of the module that send statements."""
        return self._stored.names

    def matched(self, rule: PermissionRule) -> dict[str, MatchedRows]:
        """The rows of other tables that a rule asks for of a row, by what the row has in their place."""
        named: dict[str, MatchedRows] = {}
        for rows in _asked(rule.row):
            if rows not in named.values():
                plain = f"has_{snake(self._tables.class_name(self._tables.facts(rows.table)))}"
                names = (plain, *(f"{plain}_{number}" for number in range(2, 100)))
                named[next(each for each in names if each not in named)] = rows
        return named

    def use_map(self, path: str, mapped: PermissionMap) -> str:
        """The class of a permission by Django's tables that wants others of a method than DRF's does."""
        base = "DjangoModelPermissionsOrAnonReadOnly" if mapped.anonymous else "DjangoModelPermissions"
        short = path.rpartition(".")[2]
        items = dictionary({method: _list(names) for method, names in mapped.map.items()})
        lines = [f"class {{name}}({base}):", f'    """Django\'s {path}, with the `perms_map` that it has there."""', ""]
        code = statement("perms_map: ClassVar[dict[str, list[str]]]", items, indent=4)
        lines.append(code.replace("{", "{{").replace("}", "}}"))
        return self._named(f"Own{short}" if short == base else short, "\n".join(lines) + "\n")

    def _named(self, short: str, text: str) -> str:
        """The name under which a class is written."""
        names = (short, *(f"{short}{number}" for number in range(2, 100)))
        name = next(each for each in names if self._texts.get(each, text) == text)
        self._texts[name] = text
        return name

    @property
    def asks_tables(self) -> bool:
        """Whether one of them looks into Django's tables of permissions."""
        return any("MODEL_PERMISSIONS." in text for text in self._texts.values())

    def module_text(self, feature: str) -> str:
        """The module; empty where the feature has no such permission."""
        if not self._texts:
            return ""
        module = Module(f"Who may use {feature.replace('_', ' ')}, as Django's own permissions say.", self._package)
        whole = "\n\n".join(text.format(name=name) for name, text in sorted(self._texts.items()))
        if "(BasePermission)" in whole:
            module.use("starlette.requests", "Request")
            module.use("strangler_fastapi.drf.views.permissions", "BasePermission")
        for name in MODEL_PERMISSIONS:
            if f"({name})" in whole:
                module.use("typing", "ClassVar")
                module.use("strangler_fastapi.drf.views.model_permissions", name)
        for name in _SCOPE_NAMES:
            if re.search(rf"\b{name}\(", whole):
                module.use(SCOPES, name)
        if "SAFE_METHODS" in whole:
            module.use("strangler_fastapi.drf.views.permissions", "SAFE_METHODS")
        if self.asks_tables:
            module.use(f"{self._package}.accounts", "MODEL_PERMISSIONS")
        if "SimpleNamespace" in whole:
            module.use("types", "SimpleNamespace")
        if "Account" in whole:
            module.use(f"{self._package}.accounts", "Account")
        self._stored.write(module, self._package)
        module.add(whole)
        return module.text()

    def _owner_column(self, endpoint: DjangoEndpoint, field: str) -> str:
        """The attribute of the row in which it has the caller; of a row that it points at the path to there."""
        if endpoint.model is None:
            raise UnreadableError(f"{field} of a model that can't be read without a request")
        if field == "pk":
            if not self._authenticators.is_of_users(endpoint.model.table):
                raise UnreadableError("its rows are no users")
            return self._key(endpoint)
        *way, last = field.split("__")
        column = self._authenticators.caller_column(self._tables.table_at(endpoint.model.table, way), last)
        assert column is not None  # noqa: S101 - a field was given
        return field if way else column

    def _key(self, endpoint: DjangoEndpoint) -> str:
        """The primary key of the endpoint's rows."""
        if endpoint.model is None:
            raise UnreadableError("it is shown a row of a model that can't be read without a request")
        return self._tables.facts(endpoint.model.table).primary_key[0]

    def _text(self, path: str, rule: PermissionRule, row: Code, columns: dict[str, str]) -> str:
        tables = self._authenticators.account_tables
        for attribute in sorted(caller_attributes(rule.request, row)):
            if not self._authenticators.has_attribute(attribute):
                raise UnreadableError(f"looks at {attribute} of callers")
        for sign, gap in (("perms", tables.permission_gap()), ("groups", tables.group_gap())):
            if gap is not None and sign in rule_signs(rule.request, row):
                raise UnreadableError(gap)
        columns = columns | self._stored.use(rule.request, row)
        lines = ["class {name}(BasePermission):", f'    """Django\'s {path}."""', ""]
        if rule.message is not None:
            lines += [f"    message = {quoted(rule.message).replace('{', '{{').replace('}', '}}')}", ""]
        lines += self._method("has_permission", rule.request, columns) if rule.request is not True else []
        lines += self._method("has_object_permission", row, columns) if row is not True else []
        return "\n".join(lines).rstrip("\n") + "\n"

    @staticmethod
    def _method(name: str, rule: Code, columns: dict[str, str]) -> list[str]:
        code = _code(rule, columns)
        request = "request" if re.search(r"\brequest\b", code) else "_request"
        caller = "caller: Account | None" if "caller" in code else "_caller: object"
        obj = "" if name == "has_permission" else ", obj: SimpleNamespace" if "obj." in code else ", _obj: object"
        returned = [f"        return {code}"]
        if len(returned[0]) > LINE:
            parts = _parts(rule, columns)
            sign = rule[0] if isinstance(rule, list) else ""
            returned = ["        return (", f"            {parts[0]}"]
            returned += [*(f"            {sign} {part}" for part in parts[1:]), "        )"]
        is_async = "async " if "await " in code else ""
        head = f"    {is_async}def {name}(self, {request}: Request, {caller}{obj}) -> bool:"
        escaped = [line.replace("{", "{{").replace("}", "}}") for line in returned]
        return [head, '        """See BasePermission."""', *escaped, ""]


def _owners(rule: Code | None) -> set[str]:
    """The fields in which a rule looks for the caller."""
    if rule is None or isinstance(rule, bool) or not rule:
        return set()
    if rule[0] in ("owner", "key"):
        return {rule[1]}
    return set().union(*(_owners(each) for each in rule[1:] if isinstance(each, list)))


def _asked(rule: Code | None) -> Iterator[MatchedRows]:
    """The rows of other tables that a rule asks for."""
    match rule:
        case ["rows", facts]:
            yield MatchedRows.model_validate(facts)
        case ["and" | "or" | "not", *parts]:
            for each in parts:
                yield from _asked(each)


def _key_of(rows: MatchedRows) -> str:
    return rows.model_dump_json()


def _code(rule: Code, columns: dict[str, str], *, known: bool = False) -> str:
    """A rule as an expression; of a caller who is `known` to be somebody."""
    if isinstance(rule, bool):
        return str(rule)
    sign, *given = rule
    somebody = "" if known else "caller is not None and "
    if rule == _AUTHENTICATED:
        return "caller is not None"
    if sign == "methods":
        many = quoted(given[0]) if len(given) == 1 else "SAFE_METHODS" if given == _SAFE else _tuple(given)
        return f"request.method {'==' if len(given) == 1 else 'in'} {many}"
    if sign == "caller":
        return f"{somebody}bool(caller.{given[0]})"
    if sign == "value":
        name, *values = given
        many = f"== {quoted(values[0])}" if len(values) == 1 else f"in {_tuple(values)}"
        return f"{somebody}caller.{name} {many}"
    if sign == "rows":
        return f"bool(obj.{columns[_key_of(MatchedRows.model_validate(given[0]))]})"
    if sign in _HELD:
        return f"await MODEL_PERMISSIONS.{_HELD[sign]}(request.state.session, caller, {_row([*map(quoted, given)])})"
    if sign == "stored":
        return f"await {columns[key_of(given[0])]}.exist(request, caller)"
    if sign == "key":
        caller = "caller.id" if known else 'getattr(caller, "id", None)'
        return f"bool(obj.{columns[given[0]]} == {caller})"
    if sign == "owner":
        return f"{somebody}bool(obj.{columns[given[0]]} == caller.id)"
    if rule == _TOKEN:
        return "has_access_token(request)"
    if sign == "scope":
        return f"{scope_code(rule)}.has_permission(request, caller)"
    if sign == "not":
        return _opposite(given[0], columns, known=known)
    return f" {sign} ".join(_parts(rule, columns, known=known))


def _parts(rule: Code, columns: dict[str, str], *, known: bool = False) -> list[str]:
    """The operands of `and` or `or`, in brackets where they are others of those."""
    if not isinstance(rule, list) or rule[0] not in _JOINED:
        return [_code(rule, columns, known=known)]
    codes: list[str] = []
    for each in rule[1:]:
        codes.append(_code(each, columns, known=known))
        known = known or (rule[0] == "and" and each == _AUTHENTICATED)
    other = " and " if rule[0] == "or" else " or "
    return [f"({code})" if other in code else code for code in codes]


def _opposite(rule: Code, columns: dict[str, str], *, known: bool) -> str:
    if rule == _AUTHENTICATED:
        return "caller is None"
    if isinstance(rule, list) and rule[0] == "methods":
        return _code(rule, columns).replace(" == ", " != ").replace(" in ", " not in ")
    return f"not ({_code(rule, columns, known=known)})"


def is_scoped(path: str, rule: PermissionRule) -> bool:
    """Whether a permission is one of django-oauth-toolkit's own."""
    return path.startswith(_SCOPED) and isinstance(rule.request, list) and rule.request[0] == "scope"


def scope_code(rule: Code) -> str:
    """The library's permission that stands for one of django-oauth-toolkit's, with its arguments."""
    assert isinstance(rule, list)  # noqa: S101 - the caller has looked
    _, name, given = rule
    found = [quoted(each) for each in given.get("scopes", ())]
    for method, lists in given.get("alternatives", {}).items():
        found.append(f"{method}={_row([_row([*map(quoted, scopes)]) for scopes in lists])}")
    found += [f"{each}={quoted(given[each])}" for each in ("read", "write") if given.get(each, each) != each]
    found += ["reveals=True"] if given.get("reveals") else []
    return f"{name}({', '.join(found)})"


def _row(codes: list[str]) -> str:
    return f"({codes[0]},)" if len(codes) == 1 else f"({', '.join(codes)})"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, values))}]"


def _tuple(values: list[Any]) -> str:
    return f"({', '.join(map(quoted, values))})"
