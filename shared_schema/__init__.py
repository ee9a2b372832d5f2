"""What both stacks agree on: tables, tokens, password hashes. Imports neither of them."""
