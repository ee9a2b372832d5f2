"""Who may send a request, how often, and which version of the API it means."""

from typing import Any

from pydantic import Field

from strangler.adoption.django_settings import Facts


class StoredRows(Facts):
    """Rows of a `table` whose field `caller` is the caller; `where` narrows them.

    Each of that is a field, and `path` with the variable of the path that it is equal to, or `values` with constants.
    """

    table: str
    caller: str
    where: tuple[tuple[str, str, Any], ...] = ()


class PermissionRule(Facts):
    """A permission of the project's own, as rules of the request and of the row, and what a refusal says.

    A rule is true, false, or a list: `and`, `or` and `not` of rules, `methods` of requests, `caller` with an attribute
    of the user, `value` with a column of the user and the values that let in, `owner` with the field in which the row
    has the caller (`pk` where it is the caller's own, `project__owner` where a row that it points at has), `key` with
    such a field that may be null, as the key of an anonymous caller is, `rows` with those of another table that the
    caller has with it, `perms` with Django's permissions, all of which the caller has, `groups` with the names of
    groups, one of which it is in. `stored` are rows of another table that the caller has, as
    StoredRows says. `token` is a request with an access token, `scope` a permission of
    django-oauth-toolkit with its arguments. None of a row can't be read.
    """

    request: bool | list[Any]
    row: bool | list[Any] | None
    message: str | None = None


def rule_signs(*rules: bool | list[Any] | None) -> set[str]:
    """What rules of permissions look at, by their first items."""
    found: set[str] = set()
    for rule in rules:
        if isinstance(rule, list) and rule:
            found |= {rule[0]} | rule_signs(*(each for each in rule[1:] if isinstance(each, list)))
    return found


def caller_attributes(*rules: bool | list[Any] | None) -> set[str]:
    """The attributes of callers that rules of permissions look at."""
    found: set[str] = set()
    for rule in rules:
        match rule:
            case ["caller" | "value", name, *_]:
                found.add(name)
            case ["owner" | "rows" | "stored" | "groups" | "key", *_]:
                found.add("is_authenticated")
            case ["perms", *_]:
                found.add("is_superuser")
            case ["and" | "or" | "not", *parts]:
                found |= caller_attributes(*parts)
    return found


class PermissionMap(Facts):
    """What a permission by Django's tables wants of each method (`perms_map`); `anonymous` callers may be let in.

    One of `rows` asks Django's backends for each row, too.
    """

    map: dict[str, tuple[str, ...]]
    anonymous: bool
    rows: bool = False


class Permissions(Facts):
    """The permissions of one method, as those of a DjangoEndpoint."""

    permissions: tuple[str, ...] | None = ()
    permission_rules: dict[str, PermissionRule] | None = None
    permission_maps: dict[str, PermissionMap] | None = None


class ThrottleFacts(Facts):
    """A throttle that may refuse a request: `rate` is DRF's text of it, `scope` what is counted together.

    `kind` is anon, user or scoped, after the class of DRF's that it is or derives from, else custom; `path` is where
    its class is, `overridden` are the methods that the project wrote. One that is `shared` counts in the table of
    strangler_django.throttling.
    """

    path: str = Field(alias="class")
    kind: str
    scope: str | None = None
    rate: str | None = None
    cache_format: str | None = None
    shared: bool = False
    overridden: tuple[str, ...] = ()


class CacheFacts(Facts):
    """How many `seconds` an answer may be kept, None where it isn't, and the headers that it varies on.

    `vary_all` are those of every answer of the view, `by_credentials` says that it varies on `Authorization` where a
    request has one. What is kept several `times` has as many lives.
    """

    seconds: int | None = None
    times: int = 0
    by_credentials: bool = False
    vary: tuple[str, ...] = ()
    vary_all: tuple[str, ...] = ()


class VersionFacts(Facts):
    """Which version of the API a request means.

    `kind` is accept, url, namespace, host or query, after the class of DRF's, else custom; `overridden` are the methods
    that the project wrote. `namespace` are those in which the path is included, `pattern` finds the version in a
    host's name.
    """

    kind: str
    default: str | None = None
    allowed: tuple[str, ...] = ()
    parameter: str = "version"
    namespace: str = ""
    pattern: str | None = None
    overridden: tuple[str, ...] = ()
