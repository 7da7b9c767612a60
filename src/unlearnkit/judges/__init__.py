"""Judges, which score a model's outputs from 0 to 10.

An output on a forget set gets three scores for unlearning quality. An output on a set to be retained gets three scores
for retention quality. The judge `rules` computes the scores by fixed rules. An LLM judge queries a language model (a
`ChatModel` of `unlearnkit.llm`), which the settings in `judges/llm/settings.py` select.
"""
