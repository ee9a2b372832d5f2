"""Source of the project's own: what its statements, expressions, models and querysets say."""
