"""Repeats sampled requests of clients on both stacks, in the background, and counts where responses differ.

nginx sends a datagram for each sampled request and never waits; whatever happens here, no client notices. Requests, and
the tokens in them, are held in memory only; what is written down are counts and the masked places of differences.
"""
