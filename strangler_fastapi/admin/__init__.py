"""Django's admin without Django, by Starlette-Admin: the same users, permissions and history, one way to write."""
