"""Moves of routes: planned, applied, recorded, taken back."""
