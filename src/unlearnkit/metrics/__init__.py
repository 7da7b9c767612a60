"""Metrics: pure functions of records.

No module of this package imports torch or uses a model.
"""
