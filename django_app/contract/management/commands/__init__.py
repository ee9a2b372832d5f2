"""The commands of `blog`, one module each."""
