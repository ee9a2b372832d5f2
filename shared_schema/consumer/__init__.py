"""The consumer's side of the contract: the statements that a service sends, and the rights that they need."""
