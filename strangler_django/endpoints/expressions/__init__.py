"""What an expression of Python's or of a queryset's makes of a row."""
