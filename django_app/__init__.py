"""The legacy service: Django REST framework on /api. It owns the tables and their migrations."""
