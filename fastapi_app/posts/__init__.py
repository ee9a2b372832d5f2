"""The caller's own posts."""
