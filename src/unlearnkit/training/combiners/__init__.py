"""Registered combiners, which combine the gradients of an objective's terms.

Each file implements the combiner of one paper.
"""
