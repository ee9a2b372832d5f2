"""The provider's side of the contract: the tables, and what Django keeps in Python about them."""
