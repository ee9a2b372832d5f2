"""Tokens: obtain, refresh, verify, blacklist; and who a request is from."""
