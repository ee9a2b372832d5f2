"""Users and their posts."""
