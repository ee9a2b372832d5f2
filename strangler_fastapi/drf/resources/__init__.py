"""The endpoints of a model, as a ModelViewSet has them: their rows, statements and writes."""
