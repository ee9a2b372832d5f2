"""What was done, in a schema of its own."""
