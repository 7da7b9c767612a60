"""Combiners: how the gradients of an objective's terms become the one that is stepped along. One paper a file."""
