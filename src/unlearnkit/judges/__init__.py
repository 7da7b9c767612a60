"""Judges: six scores from 0 to 10 of a model's outputs.

They are given by fixed rules or by a language model. An LLM judge queries a `ChatModel` of `unlearnkit.llm`;
`llm/settings.py` selects it.
"""
