"""All that cases are made from: the operations, who calls them, and which rows their paths may name."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import quote

from shared_schema.contract.contract import Contract
from strangler.compare.client.signed_tokens import TokenKind
from strangler.compare.generate.facts import column_at, key_column
from strangler.compare.generate.nested_paths import VARIABLE, NestedPaths
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.query_values import Labelled
from strangler.compare.generate.schemas import NamedRows, SchemaField
from strangler.compare.generate.stored import StoredUser, StoredValues, UserTable, Where
from strangler.sections import SignInSection

_VARIABLE_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
# Two ends of a span, and words that stand for it: created_after, price__gte.
_ENDS: Final = re.compile(
    r"(__?(after|before|from|to|until|since|min|max|gte?|lte?|exact|iexact|in|contains|icontains))$"
)

# Fields of an answer that a list can be ordered by.
_ORDERED: Final = frozenset({"string", "integer", "number", "boolean", "date-time", "date", "decimal", "email"})

# Of required parameters that no column has values for.
_OTHERWISE: Final = {
    "boolean": "true",
    "integer": "1",
    "number": "1",
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
}

# What Django calls the permission that a method needs.
_OTHERS: Final = 50
_PERMISSIONS: Final = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}


@dataclass(frozen=True, kw_only=True)
class CallerNames:
    """Those who call. `main` has rows of his own; each may be empty where there is none.

    `kinds` are callers with tokens that mustn't let anybody in.
    """

    main: str = ""
    other: str = ""
    staff: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def users(self) -> tuple[str, ...]:
        """Nobody, and each who signs in, once."""
        return tuple(dict.fromkeys(("", *(each for each in (self.main, self.other, self.staff) if each))))

    @property
    def all(self) -> tuple[str, ...]:
        """Everybody, and what pretends to be somebody."""
        return (*self.users, *self.kinds)


def callers_choose(users: Sequence[StoredUser], wanted: Sequence[str], *, signs: bool) -> CallerNames:
    """Who calls: those that are `wanted`, by name, else the first users with a password.

    With `signs` the run can sign tokens: of users who are inactive, that have expired, or of another key.
    """
    able = [each for each in users if each.can_sign_in and each.is_active]
    chosen = [each for name in wanted for each in users if each.name == name] if wanted else able
    plain = [each.name for each in chosen if not each.is_staff]
    main = next(iter(plain), "") or next((each.name for each in chosen), "")
    inactive = next((each.name for each in users if not each.is_active), "")
    kinds = [each for each in TokenKind if each is not TokenKind.ISSUED] if signs else []
    return CallerNames(
        main=main,
        other=plain[1] if len(plain) > 1 else "",
        staff=next((each.name for each in chosen if each.is_staff), ""),
        kinds=(
            *((kind.of(main) for kind in kinds) if main else ()),
            *((TokenKind.ISSUED.of(inactive),) if inactive and signs else ()),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class World:
    """See the module.

    Attributes:
        operations: of all routes.
        contract: of the tables.
        stored: values of rows.
        callers: who calls.
        user_table: of those who sign in.
        users: the rows of the table of users.
        sign_in: how callers sign in; None where the project doesn't say.
        prefix: what the paths of Django's views begin with.
        browsable: whether nginx sends browsers to Django's pages, whichever stack answers others.
        seed: of what is drawn.
    """

    operations: tuple[Operation, ...]
    contract: Contract
    stored: StoredValues
    callers: CallerNames
    user_table: UserTable | None
    users: Sequence[StoredUser] = field(default=())
    sign_in: SignInSection | None = None
    prefix: str = ""
    browsable: bool = False
    seed: int = 0

    def random(self, *words: object) -> Random:
        """Chance that depends on the seed and on these words alone."""
        return Random(" ".join(map(str, (self.seed, *words))))  # noqa: S311 - repeatable on purpose

    @property
    def issued(self) -> dict[str, str]:
        """What a sign-in answers: names of values with their places."""
        sign_in = self.sign_in
        found = [each for each in self.operations if sign_in and sign_in.is_at(each.path)]
        names = {each.name: f"$.{each.name}" for operation in found for each in operation.items if each.is_text}
        token = {sign_in.token.rpartition(".")[2]: f"$.{sign_in.token}"} if sign_in and sign_in.token else {}
        return {name: place for name, place in (names | token).items() if _VARIABLE_NAME.fullmatch(name)}

    def identity(self, name: str) -> Any:  # noqa: ANN401 - a key of any type
        """The id of a user."""
        return next((each.identity for each in self.users if each.name == name), None)

    def owned_by(self, table: str, name: str) -> Where | None:
        """What picks the rows of a table that are a user's; None where rows are nobody's."""
        facts, who = self.contract.tables.get(table), self.user_table
        if facts is None or who is None or self.identity(name) is None:
            return None
        if table == who.key:
            return {who.identity: self.identity(name)}
        column = next(
            (key for key, each in facts.columns.items() if each.references and each.references.table == who.key), ""
        )
        return {column: self.identity(name)} if column else None

    def own_rows(self, operation: Operation) -> Where:
        """What picks the rows that the main caller reads: his own where others' aren't shown, else all."""
        if operation.is_public or not self.callers.main or (self.user_table and operation.table == self.user_table.key):
            return {}
        return self.owned_by(operation.table, self.callers.main) or {}

    def required(self, operation: Operation) -> list[tuple[str, str]]:
        """Parameters without which the operation is refused, each with a value that rows of the caller have."""
        return [(each.name, self._good_value(each, operation)) for each in operation.parameters if each.required]

    def _good_value(self, parameter: SchemaField, operation: Operation) -> str:
        if parameter.choices:
            return str(parameter.choices[0])
        found = self.column_of(parameter, operation)
        stored = (
            self.stored.samples(*found, self.own_rows(operation) if found[0] == operation.table else {})
            if found
            else ()
        )
        texts = (value.isoformat() if isinstance(value, dt.date) else str(value) for value in stored)
        return next(texts, _OTHERWISE.get(parameter.type, "x"))

    def column_of(self, parameter: SchemaField, operation: Operation) -> tuple[str, str] | None:
        """The column that a parameter narrows by: as the view says, else the one whose name is alike."""
        path = operation.facts.filters.get(parameter.name)
        for each in self.operations if path is None else ():
            if each.table == operation.table and parameter.name in each.facts.filters:
                path = each.facts.filters[parameter.name]
        if path is not None:
            return column_at(path, operation.table, self.contract)
        stem = _ENDS.sub("", parameter.name)
        facts = self.contract.tables.get(operation.table)
        if facts is None:
            return None
        for name in (parameter.name, stem, f"{stem}s"):
            if name in facts.many_to_many:
                return self._name_column(facts.many_to_many[name].target)
            if found := column_at(name, operation.table, self.contract):
                reference = self.contract.tables[found[0]].columns[found[1]].references
                return self._name_column(reference.table) if reference and name != found[1] else found
        return next(((operation.table, each) for each in facts.columns if each.startswith(f"{stem}_")), None)

    def _name_column(self, table: str) -> tuple[str, str] | None:
        """What rows of a table are called by people: a text that is unique, else the key."""
        facts = self.contract.tables.get(table)
        if facts is None:
            return None
        unique = [key for key, each in facts.columns.items() if each.unique and each.max_length]
        key = unique or list(facts.primary_key)
        return (table, key[0]) if key else None

    def paths(self, operation: Operation) -> list[Labelled]:
        """Paths of an operation that name rows: of the main caller, of another one, the first and the last."""
        return self._paths(operation, self.row_keys(operation))

    def row_keys(self, operation: Operation) -> list[tuple[str, Any]]:
        """Keys of rows for the path's first variable, with whose they are; empty where it has none."""
        if (found := self._keyed(operation)) is None:
            return []
        table, column = found
        callers = self.callers
        chosen: list[tuple[str, Any]] = []
        for owner, whose in ((callers.main, "own"), (callers.other, "another's"), (callers.staff, "of staff")):
            where = self.owned_by(table, owner) if owner else None
            keys = self.stored.keys(table, column, where) if where else []
            chosen += [(f"{whose}, {word}", key) for word, key in _ends(keys)]
        every = self.stored.keys(table, column)
        chosen += [(f"any, {word}", key) for word, key in _ends(every)]
        if every:
            chosen.append(("any", self.random("row", operation.route.name).choice(every)))
        return [(label, key) for key, label in {key: label for label, key in reversed(chosen)}.items()][::-1]

    def held(self, operation: Operation, key: Any, column: str) -> list[str]:  # noqa: ANN401 - a key of any type
        """What the row that a path names by `key` holds in a column of the operation's table; nothing for null."""
        found = self._keyed(operation)
        if found is None or found[0] != operation.table:
            return []
        rows = self.stored.rows(found[0], [column], {found[1]: key}, limit=1)
        return [str(value) for (value,) in rows if value is not None]

    def path_with(self, operation: Operation, text: str) -> str:
        """The path with this text as its first variable; as its last, where it is known what the others are."""
        keys = self.row_keys(operation)
        if keys and self._nested.keyed(operation):
            return self._nested.path(operation, keys[0][1], text)
        return self._paths(operation, [("", "{}")])[0][1].replace("%7B%7D", text)

    def _paths(self, operation: Operation, keys: Sequence[tuple[str, Any]]) -> list[Labelled]:
        if "{" not in operation.path:
            return [("", operation.path)]
        if self._nested.keyed(operation):
            return [(label, self._nested.path(operation, key)) for label, key in keys]
        begin, _, rest = operation.path.partition("{")
        # Of several variables only the first names a row that is known.
        end = VARIABLE.sub("0", rest.partition("}")[2])
        return [(label, f"{begin}{quote(str(key), safe='')}{end}") for label, key in keys]

    @property
    def _nested(self) -> NestedPaths:
        return NestedPaths(self.stored, self.contract)

    def _keyed(self, operation: Operation) -> tuple[str, str] | None:
        """The table and the column whose values the path's first variable may be, or the rows that it all names."""
        if (nested := self._nested.keyed(operation)) is not None:
            return nested
        found = VARIABLE.search(operation.path)
        if found is None:
            return None
        before = operation.path[: found.start()]
        lists = [each for each in self.operations if each.route.path == before and each.table]
        table = lists[0].table if lists else operation.table
        column = key_column(
            found[1],
            operation.facts.lookup if not lists or lists[0].table == operation.table else "",
            table,
            self.contract,
        )
        return (table, column) if column else None

    def writer(self, operation: Operation, otherwise: str, *, owner: str = "") -> str:
        """Who may write: `otherwise` or another caller, else any user, as far as the view's permissions can be read.

        `owner` is whose row it is; empty where that isn't known.
        """
        users = {each.name: each for each in self.users if each.is_active}
        if otherwise not in users:
            return otherwise
        callers = [name for name in dict.fromkeys((otherwise, *self.callers.users)) if name in users]
        may = {name: self._may(operation, users[name], owner) for name in callers}
        unsure = next((name for name in callers if may[name] is None), otherwise)
        if True in may.values() or not self.callers.kinds:
            return next((name for name in callers if may[name]), unsure)
        # For who doesn't call, a token is signed.
        others = [each for name, each in users.items() if name not in may]
        others.sort(key=lambda each: (not each.is_superuser, not each.is_staff))
        able = (each.name for each in others[:_OTHERS] if self._may(operation, each, owner))
        return next(map(TokenKind.ISSUED.of, able), unsure)

    def _may(self, operation: Operation, user: StoredUser, owner: str) -> bool | None:
        model, users = self.contract.tables[operation.table].model if operation.table else "", self.user_table

        def has_model_permission() -> bool | None:
            if not model or users is None:
                return None
            wanted = f"{_PERMISSIONS[operation.method]}_{model.rpartition('.')[2].lower()}"
            return wanted in self.stored.permissions(users, user.identity)

        owns = user.name == owner if owner else None
        permissions = operation.facts.permissions
        return permissions.allow(user, method=operation.method, owns=owns, has_model_permission=has_model_permission)

    def named(self, rows: NamedRows, *, owner: str = "", every: bool = False) -> list[Any]:
        """The values that name rows, as JSON has them: those of the main caller, or of `owner`; with `every` of all."""
        where: dict[str, object] = {} if every else dict(rows.where)
        mine = None if every else self.owned_by(rows.table, owner or self.callers.main)
        keys = self.stored.keys(rows.table, rows.column, {**where, **(mine or {})})
        if not keys and not owner:
            keys = self.stored.keys(rows.table, rows.column, where)
        taken = set(self.stored.keys(*rows.taken)) if rows.taken and not every else ()
        return [
            rows.address.replace("{}", str(key)) if rows.address else key if isinstance(key, int) else str(key)
            for key in keys
            if key not in taken
        ]

    def ordering(self, listing: Operation) -> list[str]:
        """The fields that a list can be ordered by; a guess where the view doesn't say."""
        if listing.facts.ordering is not None:
            return list(listing.facts.ordering)
        same = (each.facts.ordering for each in self.operations if each.table == listing.table)
        known = next((each for each in same if each), None)
        return list(known or [each.name for each in listing.items if each.type in _ORDERED])

    def siblings(self, operation: Operation) -> Iterator[Operation]:
        """The operations of the same path."""
        return (each for each in self.operations if each.path == operation.path)


def _ends(keys: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    if keys:
        yield "the first", keys[0]
        yield "the last", keys[-1]
