"""What both stacks survive: `make torture` brings one fault after the other upon a stack of its own, under load."""
