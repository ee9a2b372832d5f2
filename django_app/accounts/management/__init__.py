"""Django looks for the commands of `accounts` below here."""
