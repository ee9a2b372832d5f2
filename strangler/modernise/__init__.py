"""Schema changes under traffic, in five stages that can be taken back until the last."""
