"""What an operator waits for: the commands that are typed in a hurry import nothing that they have no use for."""

import subprocess
import sys

HURRIED = ("routes", "switch", "plan", "apply", "rollback", "history", "status", "logs", "down")
# Each takes 0.05 to 0.3 s to import.
HEAVY = {"alembic", "httpx", "psycopg", "sqlalchemy", "strangler.compare"}


def test_hurried_commands_import_no_heavy_library() -> None:
    script = f"import sys; from strangler.cli import command_line; command_line({HURRIED}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - itself
    imported = set(done.stdout.split())
    assert "strangler.cli.rollback" in imported
    assert imported & HEAVY == set()
