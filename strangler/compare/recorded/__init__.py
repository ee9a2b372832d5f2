"""Answers that v1 gave, recorded in a file that is reviewed, and held against another stack later."""
