"""`python -m fastapi_app COMMAND`: what is typed, and what is said."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from getpass import getpass

from fastapi_app.commands.accounts import password_change, stats_text, superuser_create, user_stats
from fastapi_app.commands.housekeeping import drafts_prune, tokens_flush
from fastapi_app.commands.seeding import demo_seed, posts_seed, sample_text, users_seed
from fastapi_app.commands.tasks import create_worker, drafts_prune_later
from fastapi_app.config import Settings, SettingsError, load_settings
from fastapi_app.database import open_database
from sample_data.demo import DEMO_ARCHIVED, DEMO_NAMES, DEMO_PASSWORD, DEMO_POSTS, RANDOM_SEED
from strangler_fastapi.commands import CommandError, command_run
from strangler_fastapi.db.engine import Database
from strangler_fastapi.logs import configure_logs

_FAILED = 1
_USAGE_ERROR = 2


def run(words: Sequence[str]) -> int:
    """Do what the words say; returns the exit code: 0 done, 1 refused, 2 wrong usage or setting."""
    options = _parser().parse_args(words)
    try:
        settings = load_settings()
    except SettingsError as error:
        return _refused(str(error), _USAGE_ERROR)
    if options.command == "worker":
        configure_logs(settings.log_level)
        create_worker(settings).run_worker()
        return 0
    try:
        sys.stdout.write(f"{_done(options, settings)}\n")
    except CommandError as error:
        return _refused(str(error), _FAILED)
    return 0


def _done(options: argparse.Namespace, settings: Settings) -> str:
    """Do it, as the tables' owner where DATABASE_URL names one, and say what was done."""
    database = partial(open_database, settings, url=settings.database_url or settings.fastapi_database_url)
    match options.command:
        case "createsuperuser":
            given = {"username": options.username, "email": options.email, "password": _password()}
            name = command_run(database, lambda session: superuser_create(session, **given))
            return f"Superuser {name} created."
        case "changepassword":
            word = _password()
            work = partial(password_change, username=options.username, password=word)
            command_run(database, work)
            return f"Password of {options.username} changed."
        case "prune-drafts":
            before = _days_ago(options.older_than)
            if options.later:
                later = partial(drafts_prune_later, app=create_worker(settings), days=options.older_than)
                return f"Enqueued as job {command_run(database, later)}."
            number = command_run(database, partial(drafts_prune, before=before, dry_run=options.dry_run))
            verb = "Would delete" if options.dry_run else "Deleted"
            return f"{verb} {number} {'draft' if number == 1 else 'drafts'}."
        case "flush-expired-tokens":
            number = command_run(database, partial(tokens_flush, now=datetime.now(UTC)))
            return f"Deleted {number} expired {'token' if number == 1 else 'tokens'}."
        case "seed":
            return "\n".join(_seeded(options, settings, database))
        case _:
            return stats_text(command_run(database, partial(user_stats, limit=options.limit)), as_json=options.json)


def _seeded(options: argparse.Namespace, settings: Settings, database: Callable[[], Database]) -> Iterator[str]:
    demo, users, posts = options.demo, options.users, options.posts
    if min(users, posts) < 0 or not (demo or users or posts):
        raise CommandError("Nothing to do: give --demo, --users N or --posts N, N above 0.")
    text = sample_text(options.random_seed)
    if demo:
        password = _demo_password(settings)
        is_new = command_run(database, partial(demo_seed, text=text, password=password))
        made = f"Made the demo users {', '.join(DEMO_NAMES)} and {DEMO_POSTS + DEMO_ARCHIVED:,} posts."
        yield made if is_new else "The demo data is there already."
    for name, number, seed in (("users", users, users_seed), ("posts", posts, posts_seed)):
        if number:
            command_run(database, partial(seed, number=number, text=text))
            yield f"Added {number} {name}."


def _demo_password(settings: Settings) -> str:
    given = settings.demo_password.get_secret_value()
    if settings.environment == "production" and given in ("", DEMO_PASSWORD):
        raise CommandError("DEMO_PASSWORD is a placeholder that everybody can read: set another one.")
    return given or DEMO_PASSWORD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fastapi_app", description="Serve, or run a command.")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("createsuperuser", help="add somebody who may do everything")
    create.add_argument("--username", required=True)
    create.add_argument("--email", required=True)
    change = commands.add_parser("changepassword", help="give a user another password")
    change.add_argument("username")
    prune = commands.add_parser("prune-drafts", help="delete old drafts; published posts stay")
    prune.add_argument("--older-than", type=int, required=True, metavar="DAYS", help="age in days, 0 for all")
    how = prune.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="only say how many there are")
    how.add_argument("--later", action="store_true", help="have a worker do it, and don't wait")
    stats = commands.add_parser("user-stats", help="count each user's posts, the most productive user first")
    stats.add_argument("--limit", type=int, metavar="N", help="only the first N users")
    stats.add_argument("--json", action="store_true", help="print a JSON list")
    commands.add_parser("worker", help="do background jobs, until SIGTERM")
    seed = commands.add_parser("seed", help="add demo rows, or rows in bulk: the same as Django's seed")
    seed.add_argument("--demo", action="store_true", help="admin, alice and bob with DEMO_PASSWORD, and 1,500 posts")
    seed.add_argument("--users", type=int, default=0, metavar="N", help="so many users more")
    seed.add_argument("--posts", type=int, default=0, metavar="N", help="so many posts more")
    seed.add_argument("--random-seed", type=int, default=RANDOM_SEED, metavar="N", help="what to draw texts with")
    commands.add_parser("flush-expired-tokens", help="delete the refresh tokens that have expired")
    return parser


def _password() -> str:
    """What is typed twice, or the first line of what is piped in; a password is never among the arguments.

    Raises:
        CommandError: there is none, or it was typed in two ways.
    """
    if not sys.stdin.isatty():
        if word := sys.stdin.readline().rstrip("\n"):
            return word
        raise CommandError("There is no password: pipe it in, in one line.")
    word = getpass("Password: ")
    if word != getpass("Password (again): "):
        raise CommandError("The passwords are not the same.")
    return word


def _days_ago(days: int) -> datetime:
    if days < 0:
        raise CommandError("--older-than is negative: give the age in days, 0 for all drafts.")
    try:
        return datetime.now(UTC) - timedelta(days=days)
    except OverflowError as error:
        raise CommandError("--older-than reaches back before the year 1: give fewer days.") from error


def _refused(sentence: str, code: int) -> int:
    sys.stderr.write(f"fastapi_app: {sentence}\n")
    return code
