"""Users and their tokens, on the legacy stack."""
