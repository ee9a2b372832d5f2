"""Writes of users. Each expects validated values: `serializers` is where they are checked."""

from django_app.accounts.models import User


def user_create(*, username: str, email: str, password: str) -> User:
    """Register somebody; the password is stored as a hash, the e-mail's domain in lower case."""
    return User.objects.create_user(username=username, email=email, password=password)


def user_update(
    *, user: User, username: str | None = None, email: str | None = None, password: str | None = None
) -> User:
    """Change what is given; None leaves a value as it is."""
    if username is not None:
        user.username = username
    if email is not None:
        user.email = email
    if password is not None:
        user.set_password(password)
    user.save(update_fields=["username", "email", "password"])
    return user


def user_delete(*, user: User) -> None:
    """Remove a user with all posts; the user's outstanding tokens stay, without an owner."""
    user.delete()
