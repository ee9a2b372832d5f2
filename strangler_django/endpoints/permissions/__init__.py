"""What permissions of a project's own ask of the caller, the view and the row."""
