"""Databases beside the real one: made, filled from it, and thrown away; whoever needs a copy makes it here."""
