"""What the library has."""
