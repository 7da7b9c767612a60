"""Metrics, which are pure functions of measurement records.

No module of this package imports torch or uses a model.
"""
