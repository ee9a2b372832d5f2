"""The Django app that any project installs: it writes the schema contract and rehearses migrations."""
