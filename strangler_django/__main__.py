"""`python -m strangler_django manage.py COMMAND`: the project's own manage.py, with the commands of this package.

So a project is read before `strangler_django` is among its INSTALLED_APPS.
"""

import pkgutil
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

from django.core import management

from strangler_django.management import commands
from strangler_django.versions import too_old


def main() -> None:
    """Run the script that the first argument names, with the others as its own."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m strangler_django manage.py COMMAND")
    script = Path(sys.argv[1])
    if not script.is_file():
        sys.exit(f"strangler_django: there is no {script}: name the project's manage.py.")
    if sentence := too_old():
        sys.exit(f"strangler_django: {sentence}")
    del sys.argv[0]
    # Python puts a script's own folder there, and the project's packages lie in it.
    sys.path[0] = str(script.resolve().parent)
    own = dict.fromkeys((module.name for module in pkgutil.iter_modules(commands.__path__)), "strangler_django")
    known: Callable[[], dict[str, str]] = management.get_commands
    management.get_commands = lambda: known() | own
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
