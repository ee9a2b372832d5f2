"""Tests of both stacks and of the tool."""
