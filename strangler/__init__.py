"""The operator's and engineer's tool: moves routes between the stacks and takes them back."""
