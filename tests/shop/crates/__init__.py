"""Crates: a table whose key is no `id`, with columns of every kind."""
