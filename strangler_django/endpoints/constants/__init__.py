"""Whether code of a project's own gives the same whoever asks, and whenever."""
