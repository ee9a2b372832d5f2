"""Django looks for the commands of `contract` below here."""
