"""Plays the same writes on two copies of the database, one for each side, and compares answers and rows."""
