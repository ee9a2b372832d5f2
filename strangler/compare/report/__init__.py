"""What a comparison found, and the forms in which it is told."""
