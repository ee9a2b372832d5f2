"""The fields of serializers: what they take, refuse and show."""
