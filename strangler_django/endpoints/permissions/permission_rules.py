"""The rules of permissions in JSON, how they are joined, and what they say where nobody asks.

own_permissions.py says what a rule is.
"""

from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError

Rule = bool | list[Any]
AUTHENTICATED: Final = ["caller", "is_authenticated"]
# Whether a request has an access token of django-oauth-toolkit's.
TOKEN: Final = ["token"]
# What Django's anonymous user has, too, and is not.
ATTRIBUTES: Final = frozenset({"is_active", "is_authenticated", "is_staff", "is_superuser"})
_OF_TOKENS: Final = ("scope", "token")
HTTP_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")


def both(*rules: Rule) -> Rule:
    """All of them."""
    if False in rules:
        return False
    found = [rule for rule in rules if rule is not True]
    return True if not found else found[0] if len(found) == 1 else ["and", *found]


def either(*rules: Rule) -> Rule:
    """One of them."""
    if True in rules:
        return True
    found = [rule for rule in rules if rule is not False]
    return False if not found else found[0] if len(found) == 1 else ["or", *found]


def opposite(rule: Rule) -> Rule:
    """Not this one."""
    if isinstance(rule, bool):
        return not rule
    return rule[1] if rule[0] == "not" else ["not", rule]


class _FailsError(Exception):
    """Django's anonymous user lacks what the rule looks at."""


def refused_where_failing(rule: Rule) -> Rule:
    """The rule, with requests refused in which nobody is asked for a column of the user model."""
    return both(where_it_fails_for_nobody(rule), _without_marks(rule))


def where_it_fails_for_nobody(rule: Rule) -> Rule:
    """The rule that refuses those requests alone."""
    guard = _guard(rule, has_token=False)
    # An access token of an application alone has no user, not even an anonymous one.
    return both(guard, either(["not", TOKEN], _guard(rule, has_token=True))) if _asks_for_tokens(rule) else guard


def _guard(rule: Rule, *, has_token: bool) -> Rule:
    failing = [method for method in HTTP_METHODS if _fails_for_nobody(rule, method, has_token=has_token)]
    others: Rule = False if failing == [*HTTP_METHODS] else opposite(["methods", *failing])
    return either(AUTHENTICATED, others) if failing else True


def _asks_for_tokens(rule: Rule) -> bool:
    if isinstance(rule, bool):
        return False
    return rule[0] in _OF_TOKENS or any(_asks_for_tokens(each) for each in rule[1:] if isinstance(each, list))


def of_user(rule: Rule) -> Rule:
    """The rule of an attribute that Django's anonymous user lacks, whatever it looks at."""
    return ["user", rule]


def of_key(rule: Rule) -> Rule:
    """The rule of a row with the caller's key, where both may be None: FastAPI refuses those, Django doesn't."""
    return ["key", rule]


def _without_marks(rule: Rule, *, is_denied: bool = False) -> Rule:
    """The rule without what `of_user` and `of_key` say.

    :raises UnreadError: one that refuses where Django doesn't is denied, and would let in.
    """
    match rule:
        case ["key", inner]:
            if is_denied:
                raise UnreadError
            return list(inner)
        case ["user", inner]:
            return _without_marks(inner, is_denied=is_denied)
        case ["not", inner]:
            return opposite(_without_marks(inner, is_denied=True))
        case ["and" | "or" as sign, *parts]:
            found = (_without_marks(each, is_denied=is_denied) for each in parts)
            return both(*found) if sign == "and" else either(*found)
    return rule


def _fails_for_nobody(rule: Rule, method: str, *, has_token: bool) -> bool:
    try:
        _holds_for_nobody(rule, method, has_token=has_token)
    except _FailsError:
        return True
    return False


def _holds_for_nobody(rule: Rule, method: str, *, has_token: bool) -> bool:
    """What a rule says of a request without a caller, in the order in which Python asks."""
    if isinstance(rule, bool):
        return rule
    sign, *given = rule
    if sign == "and":
        return all(_holds_for_nobody(each, method, has_token=has_token) for each in given)
    if sign == "or":
        return any(_holds_for_nobody(each, method, has_token=has_token) for each in given)
    if sign == "not":
        return not _holds_for_nobody(given[0], method, has_token=has_token)
    if sign in _OF_TOKENS:
        return has_token
    if sign == "methods":
        return method in given
    if sign in ("rows", "user", "value") or (sign == "caller" and (has_token or given[0] not in ATTRIBUTES)):
        raise _FailsError
    return False
