"""Combiners of the gradients of an objective's terms, one paper per file."""
