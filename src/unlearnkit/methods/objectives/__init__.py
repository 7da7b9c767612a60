"""Objectives: losses on splits that are minimised. `forget/` and `retain/` hold single terms; here, compositions."""
