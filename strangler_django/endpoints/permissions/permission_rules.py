"""The rules of permissions in JSON, how they are joined, and what they say where nobody asks.

own_permissions.py says what a rule is.
"""

from typing import Any, Final

from django.apps import apps

from strangler_django.endpoints.code.own_code import UnreadError

Rule = bool | list[Any]
AUTHENTICATED: Final = ["caller", "is_authenticated"]
# Whether a request has an access token of django-oauth-toolkit's.
TOKEN: Final = ["token"]
# What Django's anonymous user has, too, and is not.
ATTRIBUTES: Final = frozenset({"is_active", "is_authenticated", "is_staff", "is_superuser"})
_OF_TOKENS: Final = frozenset({"scope", "token"})
_NULL: Final = frozenset({"key"})
_NONE: Final = frozenset[str]()
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
    """The rule that refuses those requests alone.

    :raises UnreadError: whether Django fails depends on the row, which may have no key either.
    """
    guard = _guard(rule, _NONE)
    if guard != _guard(rule, _NULL):
        raise UnreadError
    # An access token of an application alone has no user, not even an anonymous one.
    is_met = _asks_for_tokens(rule) or (apps.is_installed("oauth2_provider") and _may_admit_nobody(rule))
    return both(guard, either(["not", TOKEN], _guard(rule, _OF_TOKENS))) if is_met else guard


def may_fail_of_a_profile(rule: Rule) -> bool:
    """Whether Django fails for a caller that lacks a row of another table."""
    return isinstance(rule, list) and (rule[0] == "profile" or any(map(may_fail_of_a_profile, rule[1:])))


def _may_admit_nobody(rule: Rule) -> bool:
    """Whether there is a method by which a request without a caller meets the rule."""
    return any(
        not _fails_for_nobody(rule, each, _NONE) and _holds_for_nobody(rule, each, _NONE) for each in HTTP_METHODS
    )


def _guard(rule: Rule, held: frozenset[str]) -> Rule:
    failing = [method for method in HTTP_METHODS if _fails_for_nobody(rule, method, held)]
    others: Rule = False if failing == [*HTTP_METHODS] else opposite(["methods", *failing])
    return either(AUTHENTICATED, others) if failing else True


def _asks_for_tokens(rule: Rule) -> bool:
    if isinstance(rule, bool):
        return False
    return rule[0] in _OF_TOKENS or any(_asks_for_tokens(each) for each in rule[1:] if isinstance(each, list))


def of_user(rule: Rule) -> Rule:
    """The rule of an attribute that Django's anonymous user lacks, whatever it looks at."""
    return ["user", rule]


def of_profile(rule: Rule) -> Rule:
    """The rule of a caller's one row in another table: without it Django fails, and FastAPI refuses."""
    return ["profile", rule]


def _without_marks(rule: Rule, *, is_last: bool = True) -> Rule:
    """The rule without what `of_user` and `of_profile` say.

    :raises UnreadError: Django may fail, and FastAPI would let in: the rule isn't the `last` that is asked.
    """
    match rule:
        case ["profile", inner]:
            if not is_last:
                raise UnreadError
            return list(inner)
        case ["user", inner]:
            return _without_marks(inner, is_last=is_last)
        case ["not", inner]:
            return opposite(_without_marks(inner, is_last=False))
        case ["and" | "or" as sign, *parts]:
            last = len(parts) - 1
            found = (
                _without_marks(each, is_last=is_last and (sign == "and" or number == last))
                for number, each in enumerate(parts)
            )
            return both(*found) if sign == "and" else either(*found)
    return rule


def _fails_for_nobody(rule: Rule, method: str, held: frozenset[str]) -> bool:
    try:
        _holds_for_nobody(rule, method, held)
    except _FailsError:
        return True
    return False


def _holds_for_nobody(rule: Rule, method: str, held: frozenset[str]) -> bool:
    """What a rule says of a request without a caller, in the order in which Python asks, where rules of `held` do."""
    if isinstance(rule, bool):
        return rule
    sign, *given = rule
    if sign == "and":
        return all(_holds_for_nobody(each, method, held) for each in given)
    if sign == "or":
        return any(_holds_for_nobody(each, method, held) for each in given)
    if sign == "not":
        return not _holds_for_nobody(given[0], method, held)
    # Without a user nothing can be asked of it.
    if held == _OF_TOKENS and sign in ("caller", "groups", "key", "perms"):
        raise _FailsError
    if sign in held:
        return True
    if sign == "methods":
        return method in given
    if sign in ("profile", "rows", "stored", "user", "value") or (sign == "caller" and given[0] not in ATTRIBUTES):
        raise _FailsError
    return False
