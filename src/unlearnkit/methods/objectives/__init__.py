"""Objectives: losses on splits that are minimized. `forget/` and `retain/` hold single terms; here, compositions."""
