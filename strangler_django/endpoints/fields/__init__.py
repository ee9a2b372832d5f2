"""The fields of serializers, and the rows that they write."""
