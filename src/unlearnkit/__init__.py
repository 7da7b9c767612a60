"""unlearnkit: make a language model forget on request, explain itself, and prove it."""

__version__ = "0.1.0"
