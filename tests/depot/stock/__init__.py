"""What the depot keeps, and where."""
