"""Tokens, password hashes and the caller of a request, as simplejwt and Django have them."""
