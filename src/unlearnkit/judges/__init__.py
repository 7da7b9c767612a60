"""Judges, which score a model's outputs from 0 to 10.

Each output gets three of six scores, depending on its row set. The scores come either from fixed rules or from a
language model. An LLM judge queries a `ChatModel` of `unlearnkit.llm`. The settings in `judges/llm/settings.py` select
this chat model.
"""
