"""Metrics: pure functions of records. Nothing here imports torch or touches a model."""
