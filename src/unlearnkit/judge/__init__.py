"""Judges: six scores from 0 to 10 of what a subject said, by stated rules or by a language model (LLM as a judge).

Nothing here loads a model or opens a connection: a model judge is given a `Speaker`.
"""
