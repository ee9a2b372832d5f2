"""How fast both stacks answer, side by side: `make bench`. `docs/benchmark.md` says how to read it."""
