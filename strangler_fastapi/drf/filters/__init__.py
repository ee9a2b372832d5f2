"""What a list is narrowed and ordered by: django-filter's filters, search, orders."""
