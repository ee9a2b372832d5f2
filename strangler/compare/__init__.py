"""Says where two answers to the same request differ, and how much of that may be told."""
