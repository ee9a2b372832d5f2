"""Wares: listed, added, read, changed and deleted by everybody."""
