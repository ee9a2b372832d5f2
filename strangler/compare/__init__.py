"""Compares the responses of two stacks to the same requests, and reports where they differ."""
