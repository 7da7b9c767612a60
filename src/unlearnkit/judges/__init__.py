"""Judges: six scores from 0 to 10 of what a subject said, by stated rules or by a language model (LLM as a judge).

A model judge asks a `ChatModel` of `unlearnkit.llm`; `model.py` says which one.
"""
