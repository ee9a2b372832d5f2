"""The rule for changing accounts, by the two flags of Django's users; shared by both stacks."""

from typing import Protocol


class Ranked(Protocol):
    """An account."""

    @property
    def id(self) -> object:
        """The primary key."""

    @property
    def is_staff(self) -> bool:
        """Whether it belongs to the staff."""

    @property
    def is_superuser(self) -> bool:
        """Whether it may do everything."""


def may_change_account(caller: Ranked, account: Ranked) -> bool:
    """Whether `caller` may change or delete `account`: its own, as staff those of users, as superuser every one.

    Staff that could set the password of other staff or of a superuser would have their rights.
    """
    if caller.id == account.id:
        return True
    return caller.is_staff and (caller.is_superuser or not (account.is_staff or account.is_superuser))
