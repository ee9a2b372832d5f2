"""What the API of a Django project is made of, read from its URL resolver and its views."""
