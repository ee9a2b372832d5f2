"""Tags and how many posts bear them."""
