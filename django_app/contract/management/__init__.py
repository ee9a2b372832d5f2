"""Django looks for the commands of `blog` below here."""
