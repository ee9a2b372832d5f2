"""`python -m strangler.cli`: the tool without its script, whose first line can't name a long path."""

from strangler.cli import main

main()
