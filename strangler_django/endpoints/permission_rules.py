"""The rules of permissions in JSON, how they are joined, and what they say where nobody asks.

own_permissions.py says what a rule is.
"""

from typing import Any, Final

Rule = bool | list[Any]
AUTHENTICATED: Final = ["caller", "is_authenticated"]
# What Django's anonymous user has, too, and is not.
ATTRIBUTES: Final = frozenset({"is_active", "is_authenticated", "is_staff", "is_superuser"})
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")


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
    failing = [method for method in _METHODS if _fails_for_nobody(rule, method)]
    if not failing:
        return rule
    others: Rule = False if failing == [*_METHODS] else opposite(["methods", *failing])
    return both(either(AUTHENTICATED, others), rule)


def _fails_for_nobody(rule: Rule, method: str) -> bool:
    try:
        _holds_for_nobody(rule, method)
    except _FailsError:
        return True
    return False


def _holds_for_nobody(rule: Rule, method: str) -> bool:
    """What a rule says of a request without a caller, in the order in which Python asks."""
    if isinstance(rule, bool):
        return rule
    sign, *given = rule
    if sign == "and":
        return all(_holds_for_nobody(each, method) for each in given)
    if sign == "or":
        return any(_holds_for_nobody(each, method) for each in given)
    if sign == "not":
        return not _holds_for_nobody(given[0], method)
    if sign == "methods":
        return method in given
    if sign in ("rows", "value") or (sign == "caller" and given[0] not in ATTRIBUTES):
        raise _FailsError
    return False
