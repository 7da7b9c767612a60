"""Measurements of a model, with one record for each row."""
