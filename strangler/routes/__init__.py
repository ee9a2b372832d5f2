"""The routes file: every endpoint, and the stage where it stands."""
