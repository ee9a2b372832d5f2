"""Everybody's published posts, for everybody."""
