"""`python -m strangler`, and the script `strangler`: the tool, or one sentence where its packages aren't installed."""

import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command that the arguments name."""
    if find_spec("typer") is None:
        sys.exit("strangler: the tool's own packages aren't installed here: pip install 'strangler[tool]'")
    from strangler.cli import main

    main()


if __name__ == "__main__":
    main()
