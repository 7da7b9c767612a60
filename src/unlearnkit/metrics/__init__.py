"""Metrics: pure functions of records.

Nothing here imports torch or uses a model.
"""
