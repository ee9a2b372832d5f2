"""Leaving Django: what still needs it, what of it is kept, and what has been proved."""
