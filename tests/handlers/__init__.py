"""Handlers as projects write them by hand, in the shapes of DRF's tutorial."""
