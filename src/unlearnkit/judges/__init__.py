"""Judges, which give a model's outputs six scores from 0 to 10.

The scores come either from fixed rules or from a language model. An LLM judge queries a `ChatModel` of
`unlearnkit.llm`, which is selected by the settings in `judges/llm/settings.py`.
"""
