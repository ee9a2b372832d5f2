"""Random Django schemas, random migrations of them, and services that run on them: what the guard is attacked with."""
