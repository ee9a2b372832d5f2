"""A page of a list: its rows, its count, its links."""
