"""The commands of `accounts`, one module each."""
