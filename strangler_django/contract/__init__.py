"""Exports Django's facts about its tables and migrations, for services that use the tables without Django."""
